"""Shell scripts in the place of programs."""


def programs(folder, monkeypatch, **scripts):
    """Let these shell scripts be all programs there are, but for the shell's."""
    folder.mkdir()
    for name, script in scripts.items():
        path = folder / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
