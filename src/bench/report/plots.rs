//! Plots of a run, as SVG and PNG: ratios against their goals, processor time by process, latencies.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

use crate::bench::goal::Verdict;
use crate::bench::rounds::{ArmResult, Judged, Measured};

/// Width of every plot, in pixels.
const WIDTH: u32 = 1200;
/// Height of one line of a bar chart.
const LINE: u32 = 44;
/// Height of a plot of curves.
const CURVES: u32 = 640;
/// Height of title and axis.
const FRAME: u32 = 120;
const FONT: &str = "sans-serif";
const MET: RGBColor = RGBColor(0x1b, 0x7f, 0x4d);
const HELD: RGBColor = RGBColor(0x2b, 0x6c, 0xb0);
const MISSED: RGBColor = RGBColor(0xc0, 0x39, 0x2b);
const GREY: RGBColor = RGBColor(0x77, 0x77, 0x77);
/// One for each part of processor time, and for each arm.
const PALETTE: [RGBColor; 6] = [
    RGBColor(0xc0, 0x5a, 0x1f),
    RGBColor(0x2b, 0x6c, 0xb0),
    RGBColor(0x6b, 0x46, 0xc1),
    RGBColor(0x99, 0x99, 0x99),
    RGBColor(0x1b, 0x7f, 0x4d),
    RGBColor(0xb8, 0x86, 0x0b),
];
const PARTS: [&str; 4] = [
    "own process and clients",
    "Postgres",
    "broker",
    "other server",
];

/// Draws everything into `folder`.
///
/// # Errors
/// When a file cannot be written.
pub(super) fn draw(measured: &[Measured], folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    register_font(FONT, FontStyle::Normal, dejavu::sans::regular())
        .map_err(|_invalid| anyhow!("the embedded font does not read"))?;
    let rows: Vec<(String, &Judged)> = measured
        .iter()
        .flat_map(|measured| {
            measured
                .goals
                .iter()
                .map(move |judged| (label(measured, judged), judged))
        })
        .filter(|(_, judged)| judged.ratio.is_some() && judged.goal.under.is_some())
        .collect();
    if !rows.is_empty() {
        both(folder, "ratios", height(rows.len()), &Ratios(&rows))?;
    }
    for (nth, one) in measured.iter().enumerate() {
        let name = |kind: &str| super::file_name(&format!("{nth:02} {} {kind}", one.id));
        both(folder, &name("cpu"), height(one.arms.len()), &CpuBars(one))?;
        both(folder, &name("latency"), CURVES, &Percentiles(one))?;
    }
    Ok(())
}

/// Something to draw, on whatever it is drawn.
trait Drawing {
    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> anyhow::Result<()>
    where
        B::ErrorType: 'static;
}

fn both(folder: &Path, name: &str, height: u32, drawing: &impl Drawing) -> anyhow::Result<()> {
    let size = (WIDTH, height);
    let svg = folder.join(format!("{name}.svg"));
    let png = folder.join(format!("{name}.png"));
    let area = SVGBackend::new(&svg, size).into_drawing_area();
    drawing.draw(&area).with_context(|| format!("{name}.svg"))?;
    area.present()?;
    let area = BitMapBackend::new(&png, size).into_drawing_area();
    drawing.draw(&area).with_context(|| format!("{name}.png"))?;
    area.present()?;
    Ok(())
}

fn height(lines: usize) -> u32 {
    FRAME + LINE * u32::try_from(lines).unwrap_or(1)
}

fn label(measured: &Measured, judged: &Judged) -> String {
    format!(
        "{} {}, {}",
        measured.id,
        judged.goal.title(),
        measured.title
    )
}

fn text(size: u32) -> TextStyle<'static> {
    TextStyle::from((FONT, size).into_font())
}

/// Each ratio with its interval, and ticks where its goals are, on a logarithmic scale.
struct Ratios<'a>(&'a [(String, &'a Judged)]);

impl Drawing for Ratios<'_> {
    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> anyhow::Result<()>
    where
        B::ErrorType: 'static,
    {
        area.fill(&WHITE)?;
        let all = self.0.iter().flat_map(|(_, judged)| {
            let ratio = judged.ratio.map(|ratio| [ratio.low, ratio.high]);
            ratio
                .into_iter()
                .flatten()
                .chain(judged.goal.gate)
                .chain(judged.goal.extraordinary)
        });
        let all: Vec<f64> = all.filter(|value| *value > 0.0).collect();
        let low = all.iter().copied().fold(f64::INFINITY, f64::min) / 1.5;
        let high = all.iter().copied().fold(0.0, f64::max) * 1.5;
        let lines = f64::from(u32::try_from(self.0.len()).unwrap_or(1));
        let mut chart = ChartBuilder::on(area)
            .caption("Ratios with 95 % intervals, and their goals", text(22))
            .margin(16)
            .x_label_area_size(48)
            .y_label_area_size(20)
            .build_cartesian_2d((low..high).log_scale(), 0.0..lines)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .y_labels(0)
            .x_label_formatter(&|value| format!("{value:.3}"))
            .x_desc("ratio (logarithmic)")
            .label_style(text(14))
            .draw()?;
        for (nth, (label, judged)) in self.0.iter().enumerate() {
            let y = lines - f64::from(u32::try_from(nth).unwrap_or(0)) - 0.65;
            let Some(ratio) = judged.ratio else { continue };
            let colour = match judged.verdict {
                Verdict::Extraordinary => MET,
                Verdict::Met | Verdict::Short => HELD,
                Verdict::Missed => MISSED,
                Verdict::Void => GREY,
            };
            let goals = [(judged.goal.gate, HELD), (judged.goal.extraordinary, MET)];
            for (figure, colour) in goals {
                let Some(figure) = figure else { continue };
                let tick = [(figure, y - 0.25), (figure, y + 0.25)];
                chart.draw_series([PathElement::new(tick.to_vec(), colour.stroke_width(2))])?;
            }
            let interval = vec![(ratio.low, y), (ratio.high, y)];
            chart.draw_series([PathElement::new(interval, colour.stroke_width(4))])?;
            chart.draw_series([Circle::new((ratio.median, y), 6, colour.filled())])?;
            let verdict = judged.verdict.title();
            let words = format!("{label}: {:.3}, {verdict}", ratio.median);
            chart.draw_series([Text::new(words, (low * 1.02, y + 0.52), text(13))])?;
        }
        Ok(())
    }
}

/// Processor time of one operation, stacked by process.
struct CpuBars<'a>(&'a Measured);

impl Drawing for CpuBars<'_> {
    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> anyhow::Result<()>
    where
        B::ErrorType: 'static,
    {
        area.fill(&WHITE)?;
        let arms: Vec<(&ArmResult, [f64; 4])> = self
            .0
            .arms
            .iter()
            .filter_map(|arm| Some((arm, arm.parts()?)))
            .collect();
        let widest = arms.iter().map(|(_, parts)| parts.iter().sum::<f64>());
        let widest = widest.fold(1.0, f64::max) * 1.25;
        let lines = f64::from(u32::try_from(arms.len()).unwrap_or(1));
        let mut chart = ChartBuilder::on(area)
            .caption(format!("{}: {}", self.0.id, self.0.title), text(20))
            .margin(16)
            .x_label_area_size(48)
            .y_label_area_size(20)
            .build_cartesian_2d(0.0..widest, 0.0..lines)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .y_labels(0)
            .x_desc(format!("µs of processor time for one {}", self.0.unit))
            .label_style(text(14))
            .draw()?;
        for (index, name) in PARTS.iter().enumerate() {
            let colour = PALETTE[index];
            let bars = arms.iter().enumerate().map(|(nth, (_, parts))| {
                let y = lines - f64::from(u32::try_from(nth).unwrap_or(0));
                let begin: f64 = parts[..index].iter().sum();
                Rectangle::new(
                    [(begin, y - 0.9), (begin + parts[index], y - 0.45)],
                    colour.filled(),
                )
            });
            chart.draw_series(bars)?.label(*name).legend(move |(x, y)| {
                Rectangle::new([(x, y - 5), (x + 12, y + 5)], colour.filled())
            });
        }
        for (nth, (arm, parts)) in arms.iter().enumerate() {
            let y = lines - f64::from(u32::try_from(nth).unwrap_or(0));
            let words = format!("{}: {:.1} µs", arm.name, parts.iter().sum::<f64>());
            chart.draw_series([Text::new(words, (widest * 0.004, y - 0.08), text(14))])?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .background_style(WHITE.mix(0.8))
            .label_font(text(13))
            .draw()?;
        Ok(())
    }
}

/// Latency by percentile, one curve an arm.
struct Percentiles<'a>(&'a Measured);

impl Drawing for Percentiles<'_> {
    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> anyhow::Result<()>
    where
        B::ErrorType: 'static,
    {
        const SHOWN: [f64; 9] = [0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995];
        area.fill(&WHITE)?;
        let curves = self.0.arms.iter().map(|arm| {
            let points = SHOWN.iter().enumerate().map(|(nth, quantile)| {
                let x = f64::from(u32::try_from(nth).unwrap_or(0));
                (x, micros(arm.latencies.value_at_quantile(*quantile)))
            });
            (arm.name, points.collect::<Vec<_>>())
        });
        let curves: Vec<(&str, Vec<(f64, f64)>)> = curves.collect();
        let values = || {
            curves
                .iter()
                .flat_map(|(_, points)| points.iter().map(|(_, y)| *y))
        };
        let low = values().fold(f64::INFINITY, f64::min).max(1.0) / 1.3;
        let high = values().fold(1.0, f64::max) * 1.3;
        let mut chart = ChartBuilder::on(area)
            .caption(
                format!("{}: {}, latency", self.0.id, self.0.title),
                text(20),
            )
            .margin(16)
            .x_label_area_size(48)
            .y_label_area_size(84)
            .build_cartesian_2d(0.0..8.0, (low..high).log_scale())?;
        chart
            .configure_mesh()
            .x_labels(SHOWN.len())
            .x_label_formatter(&|x| {
                let nth = SHOWN.iter().enumerate().find(|(nth, _)| {
                    (f64::from(u32::try_from(*nth).unwrap_or(0)) - x).abs() < 0.01
                });
                nth.map_or_else(String::new, |(_, quantile)| {
                    format!("p{}", quantile * 100.0)
                })
            })
            .y_label_formatter(&|value| format!("{value:.0} µs"))
            .x_desc("percentile")
            .label_style(text(14))
            .draw()?;
        for (nth, (name, points)) in curves.iter().enumerate() {
            let colour = PALETTE[nth % PALETTE.len()];
            chart
                .draw_series(LineSeries::new(points.clone(), colour.stroke_width(3)))?
                .label(*name)
                .legend(move |(x, y)| {
                    PathElement::new(vec![(x, y), (x + 18, y)], colour.stroke_width(3))
                });
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .label_font(text(13))
            .draw()?;
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "below a minute in microseconds")]
fn micros(value: u64) -> f64 {
    value as f64
}
