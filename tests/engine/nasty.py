"""Nasty configs, written by hand: ``«`` stands before each place that must be named; with what the message must say.

A message without a mark belongs to the head of the file, line 1 column 1.
"""

P = '[permanences.source]\ntype = "Reader"\nparams = { path = "x" }\n'
E = '[processes.e]\ntype = "evaluate"\n'
OK: list[str] = []

NASTY = [
    # names and keys
    (P + "[processes.«'a b']\ntype = \"evaluate\"\n", ["is no process name"]),
    (P + '[processes."«ä"]\n'.replace('"«ä"', '«"ä"') + 'type = "evaluate"\n', ["is no process name"]),
    (P + '[processes.«""]\ntype = "evaluate"\n', ["is no process name"]),
    (P + '[processes.«"../x"]\ntype = "evaluate"\n', ["is no process name"]),
    (P + '[processes.«"/etc/passwd"]\ntype = "evaluate"\n', ["is no process name"]),
    (P + '[processes.«"a\\u0007b"]\ntype = "evaluate"\n', ["is no process name"]),
    (P + '[processes.«"a\\nb"]\ntype = "evaluate"\n', ["is no process name"]),
    (P + "[processes.«" + "x" * 101 + ']\ntype = "evaluate"\n', ["is no process name"]),
    (P + "[processes." + "x" * 100 + ']\ntype = "evaluate"\n', OK),
    (P + '[processes.«-x]\ntype = "evaluate"\n', ["is no process name"]),
    (P + '[processes."e"]\n"type" = "evaluate"\n\'params\' = { "threshold" = 0.5 }\n', OK),
    (P + '[processes."a.b"]\ntype = "evaluate"\n', OK),
    (P + '[ processes . e ]\ntype = "evaluate"\n', OK),
    (P + '[processes.e]\ntype = "evaluate"\n«"thresh old" = 3\n', ["unknown key 'thresh old'"]),
    (
        P + '[processes.e]\ntype = "evaluate"\nparams."«x.y" = 3\n'.replace('"«x.y"', '«"x.y"'),
        ["unknown parameter 'x.y'"],
    ),
    (P + "[processes.e]\ntype = 'evaluate'\nparams.«'thréshold' = 3\n", ["did you mean 'threshold'?"]),
    # where tables stand
    (E + P, OK),
    ("[processes.e.params]\nthreshold = 0.1\n" + P + E, OK),
    ("[processes.e.params]\n«treshold = 0.1\n" + P + E, ["did you mean 'threshold'?"]),
    ('processes.e.type = "evaluate"\nprocesses.e.params.«threshol = 1.0\n' + P, ["did you mean 'threshold'?"]),
    ('processes.e = { type = "evaluate", params = { «treshold = 1.0 } }\n' + P, ["did you mean 'threshold'?"]),
    ('processes = { e = { type = "evaluate", «parms = { threshold = 1.0 } } }\n' + P, ["did you mean 'params'?"]),
    (P + '[processes]\ne.type = "evaluate"\ne.params.«verbos = true\n', ["did you mean 'verbose'?"]),
    (P + '[[«processes]]\ntype = "evaluate"\n', ["processes wants a table of tables"]),
    (P + '[[processes.«e]]\ntype = "evaluate"\n', ["wants a table"]),
    (P + "[processes]\n«e = [1, 2]\n", ["wants a table"]),
    (P + '[processes.«e.«inner]\ntype = "evaluate"\n', ['wants type = "..."', "unknown key 'inner'"]),
    (P + E + '[«processes2.x]\ntype = "evaluate"\n', ["did you mean 'processes'?"]),
    (P + E + '[«Processes.x]\ntype = "evaluate"\n', ["did you mean 'processes'?"]),
    (P + E + "\n[«wandb]\nproject = 1\n", ["unknown section 'wandb'"]),
    # lines and columns
    ("\ufeff" + P + E + "«force_ = true\n", ["did you mean 'force'?"]),
    (P.replace("\n", "\r\n") + '[processes.e]\r\ntype = "evaluate"\r\n«frce = true\r\n', ["did you mean 'force'?"]),
    ("# ö ü ä € 𝄞\n" + P + E + 'params = { metrics = ["€𝄞"], «verbse = true }\n', ["did you mean 'verbose'?"]),
    (P + E + "params.metrics = [\n  'a', # one\n  'b',\n]\nparams.«verbse = true\n", ["did you mean 'verbose'?"]),
    (P + E + "params.«metrics = [\n  'a',\n  3,\n]\n", ["wants"]),
    (P + E + 'params.metrics = ["""\n[processes.x]\ntype = 3\n"""]\n«frce = 1\n', ["did you mean 'force'?"]),
    (P + E + "params.metrics = ['''\n# no comment'''] # a comment = 3\n«frce = 1\n", ["did you mean 'force'?"]),
    ("\n\n\n" + P + "\n" + E + "\t«frce = true\n", ["did you mean 'force'?"]),
    (P + E + "params = {" + "metrics = [" + "'a', " * 300 + "], «verbse = true }\n", ["did you mean 'verbose'?"]),
    ("# " + "x" * 5000 + "\n" + P + E + "«frce = true", ["did you mean 'force'?"]),
    # values
    (P + E + f"params.«threshold = {'9' * 400}\n", ["wants float"]),
    (P + E + "params.threshold = 1\n", OK),
    (P + E + "params.threshold = nan\n", OK),
    (P + E + "params.threshold = -inf\n", OK),
    (P + E + "params.«threshold = true\n", ["wants float"]),
    (P + E + "params.«verbose = 1\n", ["wants bool"]),
    (P + E + 'params.«verbose = "true"\n', ["wants bool"]),
    (P + E + "params.«threshold = 1979-05-27\n", ["wants float"]),
    (P.replace('"x"', '"\\u00e4/\\U0001F600"') + E, OK),
    (P.replace('params = { path = "x" }', "params = { path = 'C:\\Users\\new' }") + E, OK),
    ("«seed = 1.0\n" + P + E, ["seed wants a whole number"]),
    ("«seed = true\n" + P + E, ["seed wants a whole number"]),
    (f"«seed = {2**70}\n" + P + E, ["seed wants a number from 0"]),
    ("seed = 0xFFFF_FFFF\n" + P + E, OK),
    ("«description = ['a']\n" + P + E, ["description wants a string"]),
    (P + '[processes.e]\n«type = ""\n', ['wants type = "..."']),
    (P + '[processes.e]\n«type = "évaluate"\n', ["did you mean 'evaluate'?"]),
    (P + '[processes.e]\n«type = "evaluate "\n', ["did you mean 'evaluate'?"]),
    (P + '[processes.e]\n«type = "EVALUATE"\n', ["did you mean 'evaluate'?"]),
    (P + '[processes.e]\n«type = "a:b:c"\n', ["is no module:attr"]),
    (P + '[processes.e]\n«type = "os:system"\n', ["was not imported"]),
    (P + '[processes.e]\n«type = "__builtins__:eval"\n', ["was not imported"]),
    # what is no TOML
    (P + E + "«force = true\nforce = true\n".replace("«force = true\nforce", "force = true\n«force"), ["not TOML"]),
    (P + E + P.replace("[", "«[", 1).split("\n")[0] + "\n", ["not TOML"]),
    (P + E + "x = «\n", ["not TOML"]),
    (P + E + 'x = "a«\n', ["not TOML"]),
    (P + E + "x = { a = 1, «}\n", ["not TOML"]),
    ("", ["nothing to run"]),
    ("# only a comment", ["nothing to run"]),
    (P + E + "params = { «metrics = " + "[" * 40 + "]" * 40 + " }\n", ["wants list[str]"]),
    # ten at once
    (
        """\
«sed = 3
[permanences.source]
«type = "Raeder"
[permanences.store]
type = "Storage"
params = { «foldr = "x", «level = "top" }
[«procesess.x]
type = "evaluate"
[processes.training]
type = "Fitting"
params = { «epohcs = 3, «optimizer = "adam" }
[processes.testing]
«tpye = "evaluate"
[processes.last]
type = "evaluate"
«parms = {}
[processes.export]
type = "export_model"
params.options.depth = 3
params.«targt = "x"
""",
        [
            *("did you mean 'seed'?", "did you mean 'Reader'?", "did you mean 'folder'?", "wants int, not 'top'"),
            *("did you mean 'processes'?", "did you mean 'epochs'?", "wants 'sgd' or 'adamw', not 'adam'"),
            *("did you mean 'type'?", "did you mean 'params'?", "did you mean 'target'?"),
        ],
    ),
]
