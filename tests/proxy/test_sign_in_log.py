"""The audit of sign-in on disk: whole lines, a file a day, and never in the way."""

import json
import threading
from pathlib import Path

from proxy.sign_in_log import SignInLog, events
from sso.events import AuditEvent

DAY = 86_400
NOW = 1_795_000_000  # 2026-11-18


def event(at: int = NOW, word: str = "sign-in.done") -> AuditEvent:
    return AuditEvent(at, word, "ok", client="langson", code="k7m2-9fxd-3hqp")


def test_what_is_written_is_found(tmp_path: Path) -> None:
    log = SignInLog(tmp_path / "audit")
    log.write(event())
    log.write(event(NOW + 1, "ticket.redeemed"))
    log.close()
    assert list(events(tmp_path / "audit")) == [event(), event(NOW + 1, "ticket.redeemed")]


def test_each_day_has_its_file_and_the_newest_is_read_first(tmp_path: Path) -> None:
    log = SignInLog(tmp_path)
    log.write(event())
    log.write(event(NOW + DAY))
    log.close()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["2026-11-18.jsonl", "2026-11-19.jsonl"]
    assert [one.at for one in events(tmp_path)] == [NOW + DAY, NOW]


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    log = SignInLog(tmp_path / "audit")
    log.write(event())
    log.close()
    assert (tmp_path / "audit").stat().st_mode & 0o777 == 0o700
    assert next((tmp_path / "audit").iterdir()).stat().st_mode & 0o777 == 0o600


def test_old_days_go(tmp_path: Path) -> None:
    (tmp_path / "2024-01-01.jsonl").write_text("{}\n", "utf-8")
    (tmp_path / "notes.jsonl").write_text("mine\n", "utf-8")
    log = SignInLog(tmp_path, keep_days=400)
    log.write(event())
    log.close()
    assert {path.name for path in tmp_path.iterdir()} == {"2026-11-18.jsonl", "notes.jsonl"}


def test_old_days_stay_for_ever_where_that_is_wished(tmp_path: Path) -> None:
    (tmp_path / "2024-01-01.jsonl").write_text("{}\n", "utf-8")
    log = SignInLog(tmp_path, keep_days=0)
    log.write(event())
    log.close()
    assert (tmp_path / "2024-01-01.jsonl").exists()


def test_a_disk_that_takes_nothing_costs_events_and_no_sign_in(tmp_path: Path) -> None:
    lost: list[int] = []
    (tmp_path / "audit").write_text("a file where the folder should be", "utf-8")
    log = SignInLog(tmp_path / "audit", on_lost=lambda: lost.append(1))
    log.write(event())
    assert lost == [1]
    (tmp_path / "audit").unlink()
    log.write(event())
    log.close()
    assert (lost, list(events(tmp_path / "audit"))) == ([1], [event()])


def test_half_a_line_is_passed_over(tmp_path: Path) -> None:
    line = json.dumps(event().record())
    (tmp_path / "2026-11-18.jsonl").write_text(f'{line[:20]}\n[1]\n{{"at": 1}}\n{line}\n', "utf-8")
    assert list(events(tmp_path)) == [event()]


def test_lines_of_several_workers_never_mix(tmp_path: Path) -> None:
    def work(number: int) -> None:
        log = SignInLog(tmp_path)
        for _ in range(200):
            log.write(AuditEvent(NOW, "sign-in.done", "ok", client=f"client-{number}" * 5))
        log.close()

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(list(events(tmp_path))) == 800
