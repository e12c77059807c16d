# quick_experiment.py
weight = 1.0

def train():
    global weight
    weight -= 0.1 * weight
    return weight**2

for epoch in range(5):
    loss = train()
    print(loss)
