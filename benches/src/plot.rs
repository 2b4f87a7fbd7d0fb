//! A small SVG: times against sizes, both on logarithmic scales.

use std::fmt::Write as _;

/// A line of the plot: its name, its colour, and times in microseconds by size.
pub struct Line {
    /// As the legend has it.
    pub name: &'static str,
    /// Any CSS colour.
    pub colour: &'static str,
    /// Sizes and microseconds.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;

/// Draws the lines.
pub fn svg(title: &str, lines: &[Line]) -> String {
    let all = lines.iter().flat_map(|line| line.points.iter().copied()).collect::<Vec<_>>();
    let bounds = |of: fn(&(f64, f64)) -> f64| {
        let low = all.iter().map(of).fold(f64::INFINITY, f64::min).log10().floor();
        let high = all.iter().map(of).fold(0.0, f64::max).log10().ceil();
        (low, high.max(low + 1.0))
    };
    let (sizes, times) = (bounds(|point| point.0), bounds(|point| point.1));
    let x = |size: f64| LEFT + (size.log10() - sizes.0) / (sizes.1 - sizes.0) * (WIDTH - LEFT - RIGHT);
    let y = |time: f64| HEIGHT - BOTTOM - (time.log10() - times.0) / (times.1 - times.0) * (HEIGHT - TOP - BOTTOM);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"20\" font-size=\"14\">{title}</text>\n"
    );
    for power in steps(times) {
        let time = 10f64.powf(power);
        let label = if time < 1000.0 { format!("{time} µs") } else { format!("{} ms", time / 1000.0) };
        let (y, right) = (y(time), WIDTH - RIGHT);
        let _ = writeln!(out, "<path d=\"M{LEFT} {y:.1}H{right}\" stroke=\"#ddd\"/>");
        let _ = writeln!(out, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>", LEFT - 6.0, y + 4.0);
    }
    for power in steps(sizes) {
        let size = 10f64.powf(power);
        let bottom = HEIGHT - BOTTOM;
        let _ = writeln!(out, "<path d=\"M{:.1} {TOP}V{bottom}\" stroke=\"#ddd\"/>", x(size));
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{size} tips</text>",
            x(size),
            bottom + 18.0
        );
    }
    for line in lines {
        let points = line.points.iter().map(|(size, time)| format!("{:.1},{:.1}", x(*size), y(*time)));
        let colour = line.colour;
        let _ = writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            points.collect::<Vec<_>>().join(" ")
        );
        if let Some((size, time)) = line.points.last() {
            let _ = writeln!(
                out,
                "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">{}</text>",
                x(*size) + 6.0,
                y(*time) + 4.0,
                line.name
            );
        }
    }
    out.push_str("</svg>\n");
    out
}

fn steps((low, high): (f64, f64)) -> impl Iterator<Item = f64> {
    std::iter::successors(Some(low), |power| Some(power + 1.0)).take_while(move |power| *power <= high)
}
