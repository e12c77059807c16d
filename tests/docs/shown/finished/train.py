import time

from tipi.helpers import progress_bar

for epoch in progress_bar(range(3), desc="Epochs"):
    bar = progress_bar(range(50), desc=f"Epoch {epoch}")
    for batch in bar:
        time.sleep(0.004)
        bar.set_postfix(loss=2.3 * 0.98 ** (50 * epoch + batch))
    print(f"epoch {epoch}: validation accuracy {0.91 + 0.02 * epoch:.2f}")
for sample in progress_bar(range(1000), desc="Evaluation", unit="img"):
    time.sleep(0.0005)
    if sample == 640:
        break
