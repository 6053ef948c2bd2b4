//! The sweep as one SVG: a panel a load, what is unserved over what it costs, each autoscaler's own
//! frontier as a line, its default as a disc. It stands in a page of either colour.

use super::{Tried, frontier};
use crate::algorithm::Algorithm;
use crate::page::{escape, put};

const COLUMNS: usize = 3;
const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 230.0;
/// Of a panel: for the scale, the title and the marks below.
const LEFT: f64 = 44.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 28.0;
const RIGHT: f64 = 12.0;
/// Above all panels, for the key.
const HEAD: f64 = 34.0;
/// Costs that a panel shows; what is beyond stands at its edge.
const COSTS: (f64, f64) = (1.0, 2.4);
/// Percent unserved likewise, as powers of ten. What is less is none.
const POWERS: (i32, i32) = (-3, 1);

const STYLE: &str = "
text { font: 11px system-ui, sans-serif; fill: #6b7480; } .title { font-weight: 600; font-size: 12px; }
rect { fill: #8a94a0; fill-opacity: .07; } .grid { stroke: #8a94a0; stroke-opacity: .3; }
path { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.pinisi { stroke: #2da44e; } .hpa { stroke: #d4681c; } .keda { stroke: #9061e0; } .knative { stroke: #2f81f7; }
circle { stroke-width: 1.4; fill: #ffffff; } circle.pinisi { fill: #2da44e; } circle.hpa { fill: #d4681c; }
circle.keda { fill: #9061e0; } circle.knative { fill: #2f81f7; }
";

/// The picture of some loads with what was tried on each.
#[must_use]
pub fn svg(rows: &[(&str, Vec<Tried>)]) -> String {
    let lines = rows.len().div_ceil(COLUMNS).max(1);
    let (width, height) = (WIDTH * COLUMNS as f64, HEAD + HEIGHT * lines as f64);
    let mut out = String::new();
    put(
        &mut out,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
             aria-label=\"Percent unserved over cost, each autoscaler with its own settings turned\">\n<style>{STYLE}</style>\n"
        ),
    );
    key(&mut out);
    for (i, (name, tried)) in rows.iter().enumerate() {
        let (x, y) = (
            (i % COLUMNS) as f64 * WIDTH,
            HEAD + (i / COLUMNS) as f64 * HEIGHT,
        );
        put(
            &mut out,
            format_args!("<g transform=\"translate({x} {y})\">\n"),
        );
        panel(&mut out, name, tried);
        out.push_str("</g>\n");
    }
    out.push_str("</svg>\n");
    out
}

/// Who has which colour, and what the scales are.
fn key(out: &mut String) {
    let mut x = LEFT;
    for algorithm in Algorithm::ALL {
        let (name, title) = (algorithm.name(), algorithm.title());
        put(
            out,
            format_args!(
                "<path class=\"{name}\" d=\"M{x} 16h18\"/><circle class=\"{name}\" cx=\"{}\" cy=\"16\" r=\"4\"/>\
                 <text x=\"{}\" y=\"20\">{title}</text>\n",
                x + 9.0,
                x + 24.0
            ),
        );
        x += 150.0;
    }
    put(
        out,
        format_args!(
            "<text x=\"{x}\" y=\"20\">up: % unserved, right: cost by the oracle's; disc: default</text>\n"
        ),
    );
}

fn panel(out: &mut String, name: &str, tried: &[Tried]) {
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    put(
        out,
        format_args!(
            "<text class=\"title\" x=\"{LEFT}\" y=\"{}\">{}</text>\n\
             <rect x=\"{LEFT}\" y=\"{TOP}\" width=\"{}\" height=\"{}\"/>\n",
            TOP - 9.0,
            escape(name),
            right - LEFT,
            bottom - TOP
        ),
    );
    for power in POWERS.0..=POWERS.1 {
        let value = 10f64.powi(power);
        let text = if power == POWERS.0 {
            "0".to_owned()
        } else {
            value.to_string()
        };
        let y = y(value);
        put(
            out,
            format_args!(
                "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>\n",
                LEFT - 6.0,
                y + 4.0
            ),
        );
    }
    for tenths in [10, 12, 14, 16, 18, 20, 22, 24] {
        let cost = f64::from(tenths) / 10.0;
        put(
            out,
            format_args!(
                "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{cost:.1}</text>\n",
                x(cost),
                bottom + 15.0
            ),
        );
    }
    // Pinisi last, so that nothing lies on it.
    for algorithm in Algorithm::ALL.into_iter().rev() {
        let own: Vec<&Tried> = tried
            .iter()
            .filter(|t| t.setting.algorithm() == algorithm)
            .collect();
        course(out, algorithm, &own);
    }
}

/// One autoscaler's frontier, as stairs: what lies above and to the right of them it can do better.
fn course(out: &mut String, algorithm: Algorithm, own: &[&Tried]) {
    let name = algorithm.name();
    let mut path = String::new();
    for best in frontier(own) {
        let (x, y) = (x(best.summary.cost_ratio), y(best.summary.unserved_pct));
        if path.is_empty() {
            put(&mut path, format_args!("M{x:.1} {TOP}V{y:.1}"));
        } else {
            put(&mut path, format_args!("H{x:.1}V{y:.1}"));
        }
    }
    if !path.is_empty() {
        put(&mut path, format_args!("H{}", WIDTH - RIGHT));
    }
    put(out, format_args!("<path class=\"{name}\" d=\"{path}\"/>\n"));
    if let Some(default) = own.iter().find(|t| t.setting.is_default()) {
        put(
            out,
            format_args!(
                "<circle class=\"{name}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\"><title>{}: {:.3} % unserved at {:.3}</title></circle>\n",
                x(default.summary.cost_ratio),
                y(default.summary.unserved_pct),
                default.setting.words(),
                default.summary.unserved_pct,
                default.summary.cost_ratio
            ),
        );
    }
}

fn x(cost: f64) -> f64 {
    let share = (cost - COSTS.0) / (COSTS.1 - COSTS.0);
    LEFT + share.clamp(0.0, 1.0) * (WIDTH - RIGHT - LEFT)
}

fn y(unserved: f64) -> f64 {
    let (low, high) = (f64::from(POWERS.0), f64::from(POWERS.1));
    let power = unserved.max(f64::MIN_POSITIVE).log10();
    let share = (power - low) / (high - low);
    HEIGHT - BOTTOM - share.clamp(0.0, 1.0) * (HEIGHT - BOTTOM - TOP)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::Summary;
    use crate::sweep::Setting;

    #[test]
    fn each_load_has_a_panel_and_who_was_tried_a_line_in_it() {
        let tried = |setting| Tried {
            setting,
            summary: Summary {
                unserved_pct: 0.0,
                cost_ratio: 9.0,
                replica_hours: 0.0,
                churn: 0.0,
            },
        };
        let all: Vec<Tried> = Setting::all().into_iter().map(tried).collect();
        let svg = svg(&[("a & b", all), ("c", Vec::new())]);
        assert!(svg.contains("a &amp; b") && svg.contains(">c<"));
        // Beyond the scale is at its edge, and nothing unserved has a place on it.
        assert!(svg.contains("H308"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        // In the key and in the first panel.
        assert_eq!(svg.matches("<circle class=\"keda\"").count(), 2);
    }
}
