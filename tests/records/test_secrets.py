"""Records are shared: no secret that is known by its key or by its looks stands in any file of one."""

import json
import subprocess

import pytest

from tipi_core.config.secrets import MASK, collect_secrets, is_secret, mask_command, mask_prose, mask_secrets

SECRETS = ["tok-77-abc", "pw-in-list-1", "key-on-line-2", "word-after-3", "hunter22", "from-env-4x", "hf_" + "a1" * 12]


def files_with(folder, secrets):
    texts = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
    return {secret for secret in secrets for text in texts if secret.encode() in text}


def test_no_file_of_a_scripts_record_holds_a_secret(tmp_path, cli):
    (tmp_path / "train.py").write_text(
        "import os, sys\nfrom tipi.helpers import logger\n"
        "config = {'lr': 0.1, 'hub': {'token': 'tok-77-abc', 'logins': [{'password': 'pw-in-list-1'}]}}\n"
        "logger.init(mode='disabled', config=config)\nlogger.log({'loss': 1})\n"
        "print('using', config['hub']['token'], os.environ['SOME_SERVICE_TOKEN'], sys.argv)\n"
        f"raise ValueError('login with tok-77-abc or {SECRETS[-1]} failed at https://me:hunter22@host.example/x')\n"
    )
    words = ["--api-key=key-on-line-2", "--auth-token", "word-after-3", "--lr=0.1"]
    done = cli("run", "train.py", "--", *words, SOME_SERVICE_TOKEN="from-env-4x")
    assert done.code == 1
    assert "tok-77-abc" in done.err  # on the user's own screen nothing is changed
    record = tmp_path / "runs" / "train" / "latest"
    assert files_with(record.resolve(), SECRETS) == set()
    info = json.loads((record / "run.json").read_text())
    assert info["command"][-4:] == [f"--api-key={MASK}", "--auth-token", MASK, "--lr=0.1"]
    assert info["config"] == {"lr": 0.1, "hub": {"token": MASK, "logins": [{"password": MASK}]}}
    login = f"login with {MASK} or {MASK} failed at https://me:{MASK}@host.example/x"
    assert info["error"] == f"ValueError: {login}"


def test_no_file_of_a_pipelines_record_holds_a_secret(tmp_path, cli):
    (tmp_path / "steps.py").write_text(
        "from tipi import pipeline_process\n\n@pipeline_process\n"
        "def go(api_keys: list[str], url: str = ''):\n    raise ValueError(f'{api_keys[0]} is refused by {url}')\n"
    )
    (tmp_path / "configs").mkdir()
    file = tmp_path / "configs" / "one.toml"
    file.write_text('[processes.go]\ntype = "go"\nparams = { url = "s3://me:hunter22@host" }\n')
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    file.write_text(file.read_text().replace("params = {", 'params = { api_keys = ["tok-77-abc"],'))
    done = cli("run", "one", "--log")
    assert done.code == 1, done.err
    record = (tmp_path / "runs" / "one" / "latest").resolve()
    assert files_with(record, SECRETS) == set()
    assert f'"error": "ValueError: {MASK} is refused by s3://me:{MASK}@host"' in (record / "run.json").read_text()
    assert f'api_keys = ["{MASK}"]' in (record / "config.toml").read_text()
    assert MASK in (record / "changes.patch").read_text()
    assert "process_failed" in (record / "events.jsonl").read_text()


def test_a_secret_that_the_script_tells_late_leaves_the_patch_all_the_same(tmp_path, python):
    file = tmp_path / "train.py"
    file.write_text("print('first')\n")
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    file.write_text(
        "import time\nfrom pathlib import Path\nfrom tipi.helpers import logger\nlogger.log({'loss': 1})\n"
        "while not (Path(logger.run.path) / 'changes.patch').exists():\n    time.sleep(0.01)\n"
        "logger.config.update(hub={'token': 'tok-77-abc'})\n"
    )
    done = python("train.py", TIPI_PLUGINS="")
    assert done.code == 0, done.err
    record = (tmp_path / "runs" / "train" / "latest").resolve()
    assert files_with(record, SECRETS) == set()
    assert MASK in (record / "changes.patch").read_text()


@pytest.mark.parametrize("key", ["api_key", "--api-key", "hfToken", "db.password", "WANDB_API_KEY", "Authorization"])
def test_keys_of_secrets(key):
    assert is_secret(key)


@pytest.mark.parametrize("key", ["num_tokens", "monkey", "tokenizer", "pad_token_id", "keys", "author", "keyboard"])
def test_keys_that_only_sound_like_it(key):
    assert not is_secret(key)


@pytest.mark.parametrize(
    "text",
    [
        "invalid token: x",
        "auth: failed",
        "KeyError: 'api_key'",
        "wrong password",
        "tokens=3 key=loss",
        "http://host:80/x",
    ],
)
def test_prose_that_gives_nothing_away_stays(text):
    assert mask_prose(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("password: hunter2", f"password: {MASK}"),
        ("Authorization: Bearer abcdef123", f"Authorization: Bearer {MASK}"),
        ("{'password': 'x y', 'a': 1}", f"{{'password': {MASK}, 'a': 1}}"),
        ("GET https://h/?api_key=abc&x=1", f"GET https://h/?api_key={MASK}&x=1"),
        ("git@x ghp_" + "a1" * 10, f"git@x {MASK}"),
    ],
)
def test_prose_that_names_its_secret_loses_it(text, masked):
    assert mask_prose(text) == masked


def test_a_key_that_may_mean_a_column_hides_only_there():
    """Elsewhere its value may be a word like any other, such as the name of a metric."""
    config = {"sort_key": "val_loss", "token": "tok-77-abc", "password": "moon"}
    assert set(mask_secrets(config).values()) == {MASK}
    assert set(collect_secrets(config)) == {"tok-77-abc", "moon"}


def test_a_command_line_loses_nothing_else():
    words = ["train.py", "--keyword", "a", "--lr", "0.1", "model.key", "x=y"]
    assert mask_command(words) == words
