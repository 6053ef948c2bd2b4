//! Schedules on real clocks: two zones, days of 23 and 25 hours, and expressions that say nothing.

use super::*;
use pinisi_crds::hybrid_workload::Autoscaling;
use serde_json::{Value, json};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn autoscaling(schedules: &Value) -> Autoscaling {
    let load = json!({"signal": {"source": "prom", "query": "rps"}, "perReplica": "100"});
    let all = json!({"maxReplicas": 300, "load": load, "schedules": schedules});
    serde_json::from_value(all).unwrap()
}

fn cron(start: &str, seconds: i32, zone: &str) -> Value {
    json!([{"name": "opening", "cron": {"start": start, "durationSeconds": seconds, "timeZone": zone}, "expect": {"load": "20k"}}])
}

fn key() -> ObjectKey {
    ObjectKey {
        namespace: "shop".into(),
        name: "web".into(),
    }
}

fn read(schedules: &Value, now: &str) -> (Vec<Window>, Vec<Problem>) {
    let (kept, mut problems) = (Kept::default(), Vec::new());
    let autoscaling = autoscaling(schedules);
    let windows = windows(&kept, &key(), Some(&autoscaling), at(now), &mut problems);
    (windows, problems)
}

/// Starts and ends as text.
fn times(schedules: &Value, now: &str) -> Vec<(String, String)> {
    let (windows, problems) = read(schedules, now);
    assert_eq!(problems, []);
    let text = |w: &Window| (w.start.to_string(), w.end.to_string());
    windows.iter().map(text).collect()
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    let text = |(start, end): &(&str, &str)| ((*start).to_owned(), (*end).to_owned());
    of.iter().map(text).collect()
}

/// The one problem, and that it leaves nothing else undone.
fn refused(schedules: &Value, reason: &str, words: &[&str]) {
    let (windows, problems) = read(schedules, "2026-11-20T12:00:00Z");
    assert_eq!(windows, [], "{schedules}");
    let [problem] = problems.as_slice() else {
        panic!("{schedules}: {problems:?}");
    };
    assert_eq!((problem.reason(), problem.blocks()), (reason, false));
    let text = problem.to_string();
    for word in words {
        assert!(text.contains(word), "{word:?} is not in {text:?}");
    }
}

#[test]
fn a_registration_at_eight_in_jakarta() {
    let opening = cron("0 8 * * MON-FRI", 7200, "Asia/Jakarta");
    // A Thursday, half past eight in the morning there: today's and, a day ahead, Friday's.
    assert_eq!(
        times(&opening, "2026-11-19T01:30:00Z"),
        pairs(&[
            ("2026-11-19T01:00:00Z", "2026-11-19T03:00:00Z"),
            ("2026-11-20T01:00:00Z", "2026-11-20T03:00:00Z"),
        ])
    );
    // Over an hour after the end it is gone, and the next is Monday's.
    assert_eq!(times(&opening, "2026-11-20T04:00:00Z"), []);
    assert_eq!(times(&opening, "2026-11-20T03:59:59Z").len(), 1);
    assert_eq!(times(&opening, "2026-11-22T01:00:01Z").len(), 1);
    let (windows, _) = read(&opening, "2026-11-19T01:30:00Z");
    assert_eq!(windows[0].expects, Expected::Load(MilliLoad(20_000_000)));
    assert_eq!(windows[0].name, "opening");
}

#[test]
fn a_clock_that_skips_an_hour_in_spring() {
    // 2026-03-29 in Berlin: 02:00 becomes 03:00, and the day has 23 hours.
    let skipped = cron("30 2 * * *", 3600, "Europe/Berlin");
    assert_eq!(
        times(&skipped, "2026-03-28T12:00:00Z"),
        pairs(&[("2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z")]),
        "the first moment after"
    );
    let morning = cron("0 8 * * *", 3600, "Europe/Berlin");
    assert_eq!(
        times(&morning, "2026-03-28T09:30:00Z"),
        pairs(&[("2026-03-29T06:00:00Z", "2026-03-29T07:00:00Z")]),
        "eight on their clock, not 24 hours after"
    );
    // Two starts that the gap makes one, and a day that is whole although it has 23 hours.
    assert_eq!(
        times(
            &cron("0 2,3 * * *", 3600, "Europe/Berlin"),
            "2026-03-28T23:00:00Z"
        )
        .len(),
        1
    );
    assert_eq!(
        read(
            &cron("0 1 * * *", 86_400, "Europe/Berlin"),
            "2026-03-28T12:00:00Z"
        )
        .1,
        []
    );
}

#[test]
fn a_clock_that_has_an_hour_twice_in_autumn() {
    // 2026-10-25 in Berlin: 03:00 becomes 02:00, and the day has 25 hours.
    let twice = cron("30 2 * * *", 3600, "Europe/Berlin");
    assert_eq!(
        times(&twice, "2026-10-24T12:00:00Z"),
        pairs(&[("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z")]),
        "the first of the two"
    );
    let hourly = cron("0 * * * *", 600, "Europe/Berlin");
    let (windows, problems) = read(&hourly, "2026-10-24T22:00:00Z");
    assert_eq!(problems, []);
    let gaps = windows
        .windows(2)
        .map(|w| w[1].start.duration_since(w[0].start).as_secs());
    assert!(gaps.clone().all(|gap| gap == 3600) && gaps.count() > 20);
}

#[test]
fn instants() {
    let once = |from: &str, until: &str| json!([{"name": "final", "at": {"from": from, "until": until}, "expect": {"replicas": 250}}]);
    let night = once("2026-11-20T20:00:00+07:00", "2026-11-20T23:00:00+07:00");
    assert_eq!(
        times(&night, "2026-11-20T00:00:00Z"),
        pairs(&[("2026-11-20T13:00:00Z", "2026-11-20T16:00:00Z")])
    );
    assert_eq!(
        times(&night, "2026-11-19T13:00:00Z"),
        [],
        "more than a day ahead"
    );
    assert_eq!(
        times(&night, "2026-11-20T17:00:00Z"),
        [],
        "over for an hour"
    );
    let backwards = once("2026-11-20T20:00:00Z", "2026-11-20T20:00:00Z");
    refused(
        &backwards,
        "ScheduleLeftOut",
        &[
            "schedules[0].at.until",
            "after at.from",
            "2026-11-20T20:00:00Z",
        ],
    );
}

#[test]
fn what_says_nothing_is_left_out_with_its_field_and_the_way_out() {
    let jakarta = "Asia/Jakarta";
    for (start, words) in [
        ("0 8 * *", "it has 4 fields"),
        ("0 8 * * * *", "it has 6 fields"),
        ("@daily", "it has 1 fields"),
        ("60 8 * * *", "out of bounds"),
        ("0 8 30 2 *", "no such day comes within 8 years"),
        ("0 8 31 4,6,9,11 *", "no such day"),
        ("0 8 * * L", "as in 5L"),
        ("0 8 ? * *", "is no list of values"),
        ("0 8,,9 * * *", "is no list of values"),
        ("0 8 * * FUNDAY", "0 8 * * FUNDAY"),
    ] {
        let words = &["schedules[0].cron.start", words, "0 8 * * MON-FRI"];
        refused(&cron(start, 3600, jakarta), "ScheduleLeftOut", words);
    }
    let long = format!("0 8 * * {}", "1,".repeat(80));
    refused(
        &cron(&long, 3600, jakarta),
        "ScheduleLeftOut",
        &["longer than 120"],
    );
    for zone in [
        "Mars/Olympus",
        "",
        "WIB",
        "+07:00",
        "Etc/Unknown",
        "../etc/passwd",
    ] {
        let words = &["schedules[0].cron.timeZone", zone, "Asia/Jakarta"];
        refused(&cron("0 8 * * *", 3600, zone), "ScheduleLeftOut", words);
    }
    for seconds in [i32::MIN, 0, 59, 86_401] {
        let words = &["durationSeconds", "60 to 86400"];
        refused(
            &cron("0 8 * * *", seconds, jakarta),
            "ScheduleLeftOut",
            words,
        );
    }
    let expecting = |expect: Value| json!([{"name": "a", "at": {"from": "2026-11-20T10:00:00Z", "until": "2026-11-20T20:00:00Z"}, "expect": expect}]);
    for (expect, word) in [
        (json!({}), "load or replicas"),
        (json!({"load": "1", "replicas": 1}), "one of the two"),
        (json!({"load": "0"}), "above 0"),
        (json!({"load": "2Ti"}), "below 1Ti"),
        (json!({"load": "many"}), "many"),
        (json!({"replicas": 0}), "1 to 100000"),
    ] {
        refused(
            &expecting(expect),
            "ScheduleLeftOut",
            &["schedules[0].expect", word],
        );
    }
    let bare = json!([{"name": "a", "expect": {"replicas": 1}}]);
    refused(&bare, "ScheduleLeftOut", &["exactly one of the two"]);
}

#[test]
fn one_bad_schedule_takes_no_other_with_it() {
    let mut both = cron("0 8 * * *", 3600, "Asia/Jakarta");
    let mut second = both[0].clone();
    second["cron"]["start"] = json!("0 9 * * *");
    both.as_array_mut().unwrap().push(second);
    let (windows, problems) = read(&both, "2026-11-20T12:00:00Z");
    assert_eq!(windows.len(), 1);
    assert!(problems[0].to_string().contains("schedules[1].name"));
    let many = (0..17).map(|i| {
        let mut one = both[0].clone();
        one["name"] = json!(format!("s{i}"));
        one
    });
    let (windows, problems) = read(&json!(many.collect::<Vec<_>>()), "2026-11-20T12:00:00Z");
    assert_eq!(windows.len(), 16);
    assert!(problems[0].to_string().contains("at most 16"));
}

#[test]
fn crowded_schedules_are_bounded_and_said() {
    let minutely = cron("* * * * *", 60, "Asia/Jakarta");
    let (windows, problems) = read(&minutely, "2026-11-20T12:00:00Z");
    assert!(windows.len() <= 26, "{}", windows.len());
    assert_eq!(problems[0].reason(), "ScheduleTooOften");
    assert!(problems[0].to_string().contains("after 60 s"));
    let (windows, problems) = read(
        &cron("0 0,2 1 * *", 10_800, "Asia/Jakarta"),
        "2026-11-20T12:00:00Z",
    );
    assert_eq!(windows, [], "nothing is near");
    assert_eq!(
        problems[0].reason(),
        "ScheduleOverlaps",
        "but it is said long before"
    );
    assert!(problems[0].to_string().contains("at most 7200"));
    let mut high = cron("0 8 * * *", 3600, "Asia/Jakarta");
    high[0]["expect"] = json!({"load": "30001"});
    let (windows, problems) = read(&high, "2026-11-20T12:00:00Z");
    assert_eq!(
        (windows.len(), problems[0].reason()),
        (1, "ScheduleAboveMaximum")
    );
    assert!(problems[0].to_string().contains("needs 301 replicas"));
}

#[test]
fn what_is_kept_is_what_would_be_worked_out_anew() {
    let kept = Kept::default();
    let spec = autoscaling(&cron("15 */3 * * *", 1800, "Europe/Berlin"));
    let mut now = at("2026-10-24T12:00:00Z");
    for minutes in [0, 1, 58, 2, 61, 600, -300, 17, 1441] {
        now += SignedDuration::from_mins(minutes);
        let windows_of = |kept: &Kept| windows(kept, &key(), Some(&spec), now, &mut Vec::new());
        let fresh = windows_of(&Kept::default());
        assert!(fresh.len() >= 8);
        assert_eq!(windows_of(&kept), fresh, "{now}");
    }
    let other = autoscaling(&cron("0 8 * * *", 1800, "Europe/Berlin"));
    assert_eq!(
        windows(&kept, &key(), Some(&other), now, &mut Vec::new()).len(),
        1,
        "another spec"
    );
    let mut worked_out = 0;
    for _ in 0..5 {
        kept.get(&key(), &other, now, || {
            worked_out += 1;
            Expanded::default()
        });
    }
    assert_eq!(worked_out, 0, "it was all there");
}

#[test]
fn times_at_the_ends_of_the_world() {
    let kept = Kept::default();
    let spec = autoscaling(&cron("0 8 29 2 *", 3600, "Asia/Jakarta"));
    for now in [
        Timestamp::MIN,
        Timestamp::UNIX_EPOCH,
        at("2096-03-01T00:00:00Z"),
        Timestamp::MAX,
    ] {
        assert!(windows(&kept, &key(), Some(&spec), now, &mut Vec::new()).len() <= 1);
    }
    let (_, problems) = read(
        &cron("0 8 29 2 *", 3600, "Asia/Jakarta"),
        "2096-03-01T00:00:00Z",
    );
    assert_eq!(problems, [], "the next is eight years later");
}
