import os

from tfvae import machine


def test_the_machine_is_told_by_its_cores():
    assert f"{machine._cores()} cores" in machine.machine() and 1 <= machine._cores() <= (os.cpu_count() or 1)


def test_values_stand_behind_their_names(tmp_path):
    (tmp_path / "file").write_text("model\t\t: 1\nmodel name\t: Some: CPU\n\nmodel name\t: another\n")
    assert machine._values(tmp_path / "file", "model name") == ["Some: CPU", "another"]
    assert machine._values(tmp_path / "none", "model name") == []


def test_without_such_files_the_architecture_is_told(monkeypatch):
    monkeypatch.setattr(machine, "_values", lambda path, name: [])
    assert machine.machine() == f"{machine.platform.machine()}, {machine._cores()} cores"
