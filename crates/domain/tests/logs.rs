//! Logs of several containers as one, and which Events are about a workload: the rules as tables.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use domain::clusters::WorkloadKind::{DaemonSet, Deployment, StatefulSet};
use domain::clusters::happenings::concerns;
use domain::clusters::logs::{LineFilter, LineKind, LogLine, Moment, Ring, Seam, Window, merge, parse};

fn line(pod: &str, at: i64, text: &str) -> LogLine {
    LogLine { at: Moment(at), pod: pod.into(), container: "api".into(), text: text.into(), kind: LineKind::Line }
}

fn texts(lines: &[LogLine]) -> String {
    lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_line_is_a_stamp_and_a_text() {
    let nine = Moment(1_795_513_320_123_456_789);
    for (given, at, text) in [
        ("2026-11-24T09:42:00.123456789Z INFO  two  blanks", Some(nine), "INFO  two  blanks"),
        ("2026-11-24T10:42:00.123456789+01:00 in another zone", Some(nine), "in another zone"),
        ("2026-11-24T09:42:00.123456789Z ", Some(nine), ""),
        ("2026-11-24T09:42:00.123456789Z", Some(nine), ""),
        ("2026-11-24T09:42:00Z without a fraction", Some(Moment(1_795_513_320_000_000_000)), "without a fraction"),
        ("unable to retrieve container logs for containerd://8f3a", None, "unable to retrieve container logs for containerd://8f3a"),
        ("2026-11-24T25:42:00.123456789Z no such hour", None, "2026-11-24T25:42:00.123456789Z no such hour"),
        ("", None, ""),
    ] {
        assert_eq!(parse(given), (at, text), "{given}");
    }
}

#[test]
fn stamps_are_in_order_as_texts_too() {
    let stamps = ["2026-11-24T09:42:00Z", "2026-11-24T09:42:00.000000001Z", "2026-11-24T09:42:00.5Z", "2026-11-24T09:42:01Z"];
    let written: Vec<String> = stamps.iter().map(|text| Moment::parse(text).unwrap().to_string()).collect();
    assert!(written.is_sorted(), "{written:?}");
    assert_eq!(written[2], "2026-11-24T09:42:00.500000000Z");
    assert_eq!(Moment::parse(&written[1]), Some(Moment::parse(stamps[1]).unwrap()));
    assert_eq!(Moment::parse(stamps[2]).unwrap().in_seconds().to_string(), stamps[0]);
}

#[test]
fn logs_merge_by_time_and_each_keeps_its_own_order() {
    let a = vec![line("a", 1, "a1"), line("a", 5, "a2"), line("a", 5, "a3")];
    // Its clock went back: what it wrote second stays second.
    let b = vec![line("b", 4, "b1"), line("b", 2, "b2"), line("b", 5, "b3")];
    assert_eq!(texts(&merge(vec![a, b, vec![], vec![line("c", 3, "c1")]])), "a1 c1 b1 b2 a2 a3 b3");
    assert!(merge(vec![]).is_empty());
}

#[test]
fn lines_are_found_whatever_their_case() {
    let filter = LineFilter::new(Some("api".into()), Some("TimeOut Ü"));
    assert!(filter.takes_container("api") && !filter.takes_container("sidecar"));
    for (text, takes) in [("upstream TIMEOUT ü", true), ("timeout  ü", false), ("", false)] {
        assert_eq!(filter.takes_text(text), takes, "{text}");
    }
    let all = LineFilter::new(None, Some(""));
    assert!(all.takes_container("any") && all.takes_text("") && !all.hides());
}

/// Reads a log, breaks off after `first` lines, and reads it again from the whole second of the last one.
fn torn(log: &[i64], first: usize) -> Vec<i64> {
    let mut seam = Seam::default();
    let mut got: Vec<i64> = log[..first].iter().copied().filter(|at| seam.is_new(Moment(*at))).collect();
    seam.reopen();
    let since = seam.last().map_or(0, |last| last.0 / 10 * 10);
    got.extend(log.iter().copied().filter(|at| *at >= since).filter(|at| seam.is_new(Moment(*at))));
    got
}

#[test]
fn a_log_that_broke_off_goes_on_without_a_line_lost_or_doubled() {
    let log = [1, 1, 2, 11, 12, 12, 12, 13, 13, 21, 35, 35];
    for first in 0..=log.len() {
        assert_eq!(torn(&log, first), log, "broken off after {first} lines");
    }
    // Reopened twice, without anything new in between.
    let mut seam = Seam::default();
    assert!(seam.is_new(Moment(5)) && seam.is_new(Moment(5)));
    for _ in 0..2 {
        seam.reopen();
        assert!(!seam.is_new(Moment(4)) && !seam.is_new(Moment(5)) && !seam.is_new(Moment(5)));
    }
    assert!(seam.is_new(Moment(5)), "a third one is new");
    assert!(seam.is_new(Moment(6)) && seam.is_new(Moment(4)), "a clock that goes back loses nothing while the log is open");
}

#[test]
fn a_ring_holds_the_newest_by_number_and_by_size() {
    let mut ring = Ring::new(3, 10_000);
    (1..=5).for_each(|n| ring.push(line("a", n, &n.to_string())));
    let (lines, left_out) = ring.take();
    assert_eq!((texts(&lines).as_str(), left_out, ring.len()), ("3 4 5", 2, 0));
    assert_eq!(ring.take(), (vec![], 0), "what was left out is said once");

    let mut small = Ring::new(100, 1_000);
    (1..=4).for_each(|n| small.push(line("a", n, &"x".repeat(300))));
    assert!(small.len() < 4 && !small.is_empty());
    small.push(line("a", 9, &"x".repeat(2_000)));
    assert!(small.is_empty(), "one that does not fit at all is left out too");
}

#[test]
fn a_line_waits_for_earlier_ones_of_other_pods() {
    let mut window = Window::new(300, 100, 1_000_000);
    window.push(line("a", 20, "a20"), 1_000);
    window.push(line("b", 10, "b10"), 1_100);
    assert!(window.due(1_299).is_empty());
    assert_eq!(texts(&window.due(1_300)), "b10 a20", "what is earlier comes along");
    window.push(line("b", 30, "b30"), 1_400);
    window.push(line("b", 25, "b25"), 1_401);
    assert_eq!(texts(&window.due(1_700)), "b30", "a log keeps its own order");
    assert_eq!(texts(&window.due(1_701)), "b25");
    assert!(window.is_empty());
}

#[test]
fn a_window_that_is_full_does_not_wait() {
    let mut window = Window::new(300, 2, 1_000_000);
    (1..=5).for_each(|n| window.push(line("a", n, &n.to_string()), 1_000));
    assert_eq!(texts(&window.due(1_000)), "1 2 3");
    assert_eq!(texts(&window.due(1_300)), "4 5");
}

#[test]
fn a_window_is_bounded_by_bytes_too() {
    let mut window = Window::new(300, 1_000, 1_000);
    (1..=4).for_each(|n| window.push(line("a", n, &"x".repeat(300)), 1_000));
    let over = window.due(1_000);
    assert_eq!((over.len(), over[0].at), (2, Moment(1)), "the oldest do not wait");
    assert_eq!(window.due(1_300).len(), 2);
    window.push(line("a", 9, &"x".repeat(5_000)), 2_000);
    assert_eq!((window.due(2_000).len(), window.is_empty()), (1, true), "one that does not fit at all does not wait either");
}

/// A line that comes late, and has gone with a later one, does not hurry what came after it.
#[test]
fn what_has_gone_is_due_no_more() {
    let mut window = Window::new(300, 100, 1_000_000);
    window.push(line("a", 30, "a30"), 1_000);
    window.push(line("b", 20, "b20"), 1_200);
    assert_eq!(texts(&window.due(1_300)), "b20 a30");
    window.push(line("c", 10, "c10"), 1_400);
    assert_eq!(texts(&window.due(1_500)), "", "its own wait is not over");
    assert_eq!(texts(&window.due(1_700)), "c10");
}

/// With 50,000 lines waiting, a walk over them for each line would take minutes.
#[test]
fn a_line_costs_the_same_however_many_wait() {
    let (mut window, began) = (Window::new(300, 100_000, usize::MAX), std::time::Instant::now());
    for n in 0..50_000 {
        window.push(line("a", n, "x"), 1_000);
        assert!(window.due(1_000).is_empty());
    }
    assert_eq!(window.due(1_300).len(), 50_000);
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}

#[test]
fn events_are_about_a_workload_and_what_it_made() {
    let sets = ["devmatrix-api-7b9f4d4c9", "devmatrix-api-5c6d7f8b4"];
    for (kind, workload, object, about) in [
        (Deployment, "devmatrix-api", "Deployment/devmatrix-api", true),
        (Deployment, "devmatrix-api", "StatefulSet/devmatrix-api", false),
        (Deployment, "devmatrix-api", "ReplicaSet/devmatrix-api-7b9f4d4c9", true),
        (Deployment, "devmatrix-api", "ReplicaSet/devmatrix-api-gateway-7b9f4d4c9", false),
        (Deployment, "devmatrix-api", "Pod/devmatrix-api-7b9f4d4c9-x2v8p", true),
        (Deployment, "devmatrix-api", "Pod/devmatrix-api-gateway-x2v8p", false),
        (Deployment, "devmatrix-api", "Pod/devmatrix-api-7b9f4d4c9-toolong", false),
        (StatefulSet, "postgres", "Pod/postgres-0", true),
        (StatefulSet, "postgres", "Pod/postgres-12", true),
        (StatefulSet, "postgres", "Pod/postgres-replica-0", false),
        (StatefulSet, "postgres", "Pod/postgres-x2v8p", false),
        (DaemonSet, "filebeat", "Pod/filebeat-x2v8p", true),
        (DaemonSet, "filebeat", "Pod/filebeat-0", false),
        (DaemonSet, "filebeat", "Node/filebeat", false),
        (DaemonSet, "filebeat", "filebeat", false),
    ] {
        assert_eq!(concerns(kind, workload, &sets, object), about, "{kind} {workload}: {object}");
    }
}
