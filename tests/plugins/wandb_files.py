"""Reading the file that wandb writes offline: LevelDB log framing around protobuf records."""

import json
import struct

BLOCK = 32 * 1024
HEADER = 7
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


def read_run(folder):
    """Return config, history rows and exit code of the one ``.wandb`` file in a folder."""
    from wandb.proto.wandb_internal_pb2 import Record

    config, history, exit_code = {}, [], None
    (file,) = folder.glob("*.wandb")
    for data in records(file.read_bytes()):
        record = Record()
        record.ParseFromString(data)
        kind = record.WhichOneof("record_type")
        if kind == "history":
            history.append(items(record.history.item))
        elif kind == "run":
            config.update(items(record.run.config.update))
        elif kind == "config":
            config.update(items(record.config.update))
        elif kind == "exit":
            exit_code = record.exit.exit_code
    return config, history, exit_code


def items(entries):
    return {entry.key or ".".join(entry.nested_key): json.loads(entry.value_json) for entry in entries}


def records(data):
    """Yield the payloads: a seven-byte file header, then chunks of crc, length and type that do not cross a block."""
    position, parts = HEADER, []
    while position + HEADER <= len(data):
        left = BLOCK - position % BLOCK
        if left < HEADER:
            position += left
            continue
        _, length, kind = struct.unpack_from("<IHB", data, position)
        parts.append(data[position + HEADER : position + HEADER + length])
        position += HEADER + length
        if kind in (FULL, LAST):
            yield b"".join(parts)
            parts = []


def read_everything(folder):
    """Return what a run says besides rows: its words, config, definitions, summary as it was set, alerts, exit code."""
    from google.protobuf.json_format import MessageToDict
    from wandb.proto.wandb_internal_pb2 import Record

    found = {"summary": {}, "metrics": [], "alerts": []}
    (file,) = folder.glob("*.wandb")
    for data in records(file.read_bytes()):
        record = Record()
        record.ParseFromString(data)
        kind = record.WhichOneof("record_type")
        if kind == "run":
            run = MessageToDict(record.run)
            found["run"] = {
                key: run.get(key) for key in ("project", "displayName", "tags", "runGroup", "notes", "jobType")
            }
        elif kind == "summary":
            found["summary"].update(items(record.summary.update))
        elif kind == "metric":
            found["metrics"].append(MessageToDict(record.metric))
        elif kind == "alert":
            found["alerts"].append((record.alert.title, record.alert.text, record.alert.level))
    config, _, exit_code = read_run(folder)
    config.pop("_wandb", None)
    found["summary"] = {key: value for key, value in found["summary"].items() if not key.startswith("_")}
    return {**found, "config": config, "exit_code": exit_code}
