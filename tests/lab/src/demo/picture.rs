//! The run as a picture: replicas ready at home and in the cloud, one above the
//! other, and the line of what was needed. Plain SVG, readable without colours.

use std::fmt::Write as _;

use super::figures::Row;
use super::screen::clock;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 48.0;
/// Trace minutes between two marks.
const MARK_MINUTES: u32 = 2;

/// Draws one run.
#[must_use]
pub fn draw(rows: &[Row], home_capacity: u32, seconds_a_minute: f64) -> String {
    let most = rows
        .iter()
        .map(|row| row.needed.max(row.ready_home + row.ready_cloud))
        .max()
        .unwrap_or(0);
    let step = nice_step(most.max(home_capacity));
    let top = f64::from((most.max(home_capacity) / step + 1) * step);
    let last = f64::from(rows.last().map_or(1, |row| row.second.max(1)));
    let x = |second: f64| LEFT + (WIDTH - LEFT - RIGHT) * second / last;
    let y = |count: f64| HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * count / top;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\">\n\
         <title>Replicas needed and ready, at home and in the cloud</title>\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n"
    );
    for count in (0..)
        .map(|line| line * step)
        .take_while(|&count| f64::from(count) <= top)
    {
        let at = y(f64::from(count));
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {at:.1}H{:.1}\" stroke=\"#ddd\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{count}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            at + 4.0
        );
    }
    let minutes = (0..).step_by(MARK_MINUTES as usize);
    for minute in minutes.take_while(|&minute: &u32| f64::from(minute) * seconds_a_minute <= last) {
        let at = x(f64::from(minute) * seconds_a_minute);
        let _ = writeln!(
            svg,
            "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            HEIGHT - BOTTOM + 20.0,
            clock(minute as usize)
        );
    }
    let at = |row: &Row, count: u32| {
        format!("{:.1} {:.1}", x(f64::from(row.second)), y(f64::from(count)))
    };
    let area = |low: &dyn Fn(&Row) -> u32, high: &dyn Fn(&Row) -> u32, colour: &str| {
        let there = rows.iter().map(|row| at(row, high(row)));
        let back = rows.iter().rev().map(|row| at(row, low(row)));
        let points: Vec<String> = there.chain(back).collect();
        format!("<path d=\"M{}Z\" fill=\"{colour}\"/>\n", points.join("L"))
    };
    if !rows.is_empty() {
        svg += &area(&|_| 0, &|row| row.ready_home, HOME_COLOUR);
        svg += &area(
            &|row| row.ready_home,
            &|row| row.ready_home + row.ready_cloud,
            CLOUD_COLOUR,
        );
        let line: Vec<String> = rows.iter().map(|row| at(row, row.needed)).collect();
        let _ = writeln!(
            svg,
            "<path d=\"M{}\" fill=\"none\" stroke=\"#222\" stroke-width=\"2\"/>",
            line.join("L")
        );
    }
    let capacity = y(f64::from(home_capacity));
    let _ = writeln!(
        svg,
        "<path d=\"M{LEFT} {capacity:.1}H{:.1}\" stroke=\"#555\" stroke-dasharray=\"6 4\"/>",
        WIDTH - RIGHT
    );
    svg += &legend(home_capacity);
    svg += "</svg>";
    svg
}

const HOME_COLOUR: &str = "#2a6f97";
const CLOUD_COLOUR: &str = "#f4a259";

fn legend(home_capacity: u32) -> String {
    let mut svg = String::new();
    let boxes = [
        (HOME_COLOUR, "ready at home"),
        (CLOUD_COLOUR, "ready in the cloud"),
    ];
    let mut x = LEFT;
    for (colour, words) in boxes {
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"18\" width=\"14\" height=\"14\" fill=\"{colour}\"/><text x=\"{}\" y=\"30\">{words}</text>",
            x + 20.0
        );
        x += 160.0;
    }
    for (style, words) in [
        ("stroke=\"#222\" stroke-width=\"2\"", "needed".to_owned()),
        (
            "stroke=\"#555\" stroke-dasharray=\"6 4\"",
            format!("home holds {home_capacity}"),
        ),
    ] {
        let _ = writeln!(
            svg,
            "<path d=\"M{x} 25h24\" {style}/><text x=\"{}\" y=\"30\">{words}</text>",
            x + 30.0
        );
        x += 130.0;
    }
    svg
}

fn nice_step(most: u32) -> u32 {
    const LINES: u32 = 6;
    [1, 2, 5, 10, 20, 50, 100, 200, 500]
        .into_iter()
        .find(|step| most / step <= LINES)
        .unwrap_or(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_becomes_a_picture_and_no_run_an_empty_one() {
        let row = |second, needed, ready_home, ready_cloud| Row {
            second,
            load: 0.0,
            needed,
            ready_home,
            ready_cloud,
            sensitive: 8,
        };
        let svg = draw(
            &[row(0, 2, 2, 0), row(1, 9, 4, 0), row(2, 9, 4, 5)],
            4,
            10.0,
        );
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>"));
        assert!(
            svg.contains("home holds 4") && svg.contains(">06:30<"),
            "{svg}"
        );
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        let empty = draw(&[], 0, 10.0);
        assert!(!empty.contains("NaN") && !empty.contains("inf"), "{empty}");
    }
}
