"""Counts in Prometheus' text."""

from demeanor.serve.metrics import Metrics
from demeanor.serve.waiting import State


def test_counts_and_seconds_are_added_up() -> None:
    metrics = Metrics()
    metrics.add("requests_total", route="/health", status="200")
    metrics.add("requests_total", route="/health", status="200")
    metrics.took("stage", 1.5, stage="face")
    metrics.took("stage", 0.25, stage="face")
    lines = metrics.text({"engine": State(1, 3, 8)}).splitlines()
    assert 'demeanor_requests_total{route="/health",status="200"} 2' in lines
    assert 'demeanor_stage_seconds_sum{stage="face"} 1.75' in lines
    assert 'demeanor_stage_seconds_count{stage="face"} 2' in lines
    assert 'demeanor_queue_waiting{line="engine"} 3' in lines
    assert "# TYPE demeanor_queue_waiting gauge" in lines


def test_labels_cannot_break_out() -> None:
    metrics = Metrics()
    metrics.add("answers_total", kind='a"} 9\n')
    assert 'demeanor_answers_total{kind="a\\"} 9\\n"} 1' in metrics.text({})
