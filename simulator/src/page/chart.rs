//! Charts as inline SVG: areas and lines over time, with a scale on each side.

use super::{escape, put};
use crate::setup::Setup;
use crate::study::{Outcome, Point};
use crate::time::Millis;
use crate::words::count;
use jiff::tz::TimeZone;
use pinisi_planner::model::site::SiteKind;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 26.0;
/// Marks on each scale.
const MARKS: u32 = 5;

/// Where values go on the drawing.
struct Frame {
    top: f64,
    span: f64,
    body: String,
}

impl Frame {
    /// A drawing with its scales: `most` is the largest value that it must hold.
    fn new(setup: &Setup, label: &str, most: f64) -> Self {
        let top = round_up(most);
        let mut frame = Self {
            top,
            span: setup.span.seconds().max(1.0),
            body: String::new(),
        };
        let body = &mut frame.body;
        put(
            body,
            format_args!(
                "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">\n",
                escape(label)
            ),
        );
        for mark in 0..MARKS {
            let share = f64::from(mark) / f64::from(MARKS - 1);
            let (value, right) = (top * share, WIDTH - RIGHT);
            let y = HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);
            put(
                body,
                format_args!(
                    "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\"/>"
                ),
            );
            let text = if top < 4.0 {
                format!("{value:.2}")
            } else {
                count(value)
            };
            put(
                body,
                format_args!(
                    "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>\n",
                    LEFT - 8.0,
                    y + 4.0
                ),
            );
        }
        let format = if setup.span > Millis::secs(3 * 86_400) {
            "%-d %b"
        } else {
            "%H:%M"
        };
        for mark in 0..MARKS {
            let share = i64::from(mark) * setup.span.0.max(0) / i64::from(MARKS - 1);
            let when = Millis(share)
                .on_calendar(setup.start)
                .to_zoned(TimeZone::UTC);
            let x = LEFT + f64::from(mark) / f64::from(MARKS - 1) * (WIDTH - LEFT - RIGHT);
            let anchor = match mark {
                0 => "start",
                m if m + 1 == MARKS => "end",
                _ => "middle",
            };
            put(
                body,
                format_args!(
                    "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>\n",
                    HEIGHT - 8.0,
                    when.strftime(format)
                ),
            );
        }
        frame
    }

    fn x(&self, at: Millis) -> f64 {
        LEFT + at.seconds() / self.span * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - (value / self.top).clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM)
    }

    /// A line through the middle of each step.
    fn line(&mut self, class: &str, course: &[Point], value: impl Fn(&Point) -> f64) {
        let mut path = String::new();
        for point in course {
            let middle = Millis(point.from.0 / 2 + point.to.0 / 2);
            let word = if path.is_empty() { 'M' } else { 'L' };
            put(
                &mut path,
                format_args!("{word}{:.1} {:.1}", self.x(middle), self.y(value(point))),
            );
        }
        put(
            &mut self.body,
            format_args!("<path class=\"{class}\" d=\"{path}\"/>\n"),
        );
    }

    /// What lies between two values in each step.
    fn area(
        &mut self,
        class: &str,
        course: &[Point],
        low: impl Fn(&Point) -> f64,
        high: impl Fn(&Point) -> f64,
    ) {
        let mut path = String::new();
        let mut add = |frame: &Self, at: Millis, value: f64| {
            let word = if path.is_empty() { 'M' } else { 'L' };
            put(
                &mut path,
                format_args!("{word}{:.1} {:.1}", frame.x(at), frame.y(value)),
            );
        };
        for point in course {
            add(self, point.from, high(point));
            add(self, point.to, high(point));
        }
        for point in course.iter().rev() {
            add(self, point.to, low(point));
            add(self, point.from, low(point));
        }
        put(
            &mut self.body,
            format_args!("<path class=\"{class}\" d=\"{path}Z\"/>\n"),
        );
    }

    fn end(mut self, keys: &str) -> String {
        self.body += "</svg>\n";
        format!(
            "<figure>\n{}<figcaption>{keys}</figcaption>\n</figure>\n",
            self.body
        )
    }
}

/// One autoscaler: what could be served at home and in the cloud, what came, what was not served.
pub(super) fn capacity(setup: &Setup, title: &str, course: &[Point]) -> String {
    let is_cloud: Vec<bool> = setup
        .sites
        .iter()
        .map(|s| s.kind == SiteKind::Cloud)
        .collect();
    let of = |point: &Point, cloud: bool| -> f64 {
        let sites = point.capacity.iter().zip(&is_cloud);
        sites.filter(|(_, is)| **is == cloud).map(|(c, _)| c).sum()
    };
    let home = |p: &Point| of(p, false);
    let both = |p: &Point| of(p, false) + of(p, true);
    let most = course
        .iter()
        .map(|p| both(p).max(p.offered))
        .fold(0.0, f64::max);
    let mut frame = Frame::new(setup, &format!("{title}: load and capacity"), most);
    frame.area("a-home", course, |_| 0.0, home);
    frame.area("a-cloud", course, home, both);
    frame.area(
        "a-unserved",
        course,
        |p| p.offered - p.unserved,
        |p| p.offered,
    );
    frame.line("l-load", course, |p| p.offered);
    frame.end(
        "Requests a second: <span class=\"key home\"></span>room at home \
         <span class=\"key cloud\"></span>room in the cloud <span class=\"key load\"></span>load \
         <span class=\"key unserved\"></span>not served",
    )
}

/// One line for each autoscaler.
pub(super) fn lines(
    setup: &Setup,
    outcomes: &[Outcome],
    value: impl Fn(&Point) -> f64,
    unit: &str,
) -> String {
    let all = outcomes.iter().flat_map(|o| &o.course);
    let most = all.map(&value).fold(0.0, f64::max);
    let mut frame = Frame::new(setup, unit, most);
    for outcome in outcomes {
        frame.line(
            &format!("l-{}", outcome.algorithm.name()),
            &outcome.course,
            &value,
        );
    }
    frame.end(&keys(outcomes, unit))
}

/// Replicas that are paid for, and those that the load needs.
pub(super) fn replicas(setup: &Setup, outcomes: &[Outcome]) -> String {
    let all = |p: &Point| p.replicas.iter().sum::<f64>();
    let needed = |p: &Point| -> f64 {
        let seconds = p.to.minus(p.from).seconds().max(f64::MIN_POSITIVE);
        let services = setup.services.iter();
        let needed = services.map(|s| {
            s.load
                .needed(p.from, p.to, s.per_replica, f64::from(s.min.get()))
        });
        needed.sum::<f64>() / seconds
    };
    let most = outcomes
        .iter()
        .flat_map(|o| &o.course)
        .map(all)
        .fold(0.0, f64::max);
    let mut frame = Frame::new(setup, "replicas", most);
    for outcome in outcomes {
        frame.line(
            &format!("l-{}", outcome.algorithm.name()),
            &outcome.course,
            all,
        );
    }
    if let Some(outcome) = outcomes.first() {
        frame.line("l-needed", &outcome.course, needed);
    }
    frame.end(&keys(outcomes, "replicas"))
}

fn keys(outcomes: &[Outcome], unit: &str) -> String {
    let mut keys = format!("{}:", escape(unit));
    for outcome in outcomes {
        let (name, title) = (outcome.algorithm.name(), outcome.algorithm.title());
        put(
            &mut keys,
            format_args!(" <span class=\"key {name}\"></span>{title}"),
        );
    }
    keys
}

/// The next of 1, 2, 4, 5, 8 or 10 times a power of ten: what a scale can be marked with evenly.
fn round_up(most: f64) -> f64 {
    if !(most > 0.0 && most.is_finite()) {
        return 1.0;
    }
    let power = 10f64.powf(most.log10().floor());
    let steps = [1.0, 2.0, 4.0, 5.0, 8.0, 10.0];
    let fits = steps.into_iter().map(|s| s * power).find(|s| *s >= most);
    fits.unwrap_or(10.0 * power)
}
