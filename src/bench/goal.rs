//! Goals are ratios of two arms that ran in the same minutes (performance §1).

use serde::Serialize;

use super::statistic::Interval;

/// What of two arms is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Metric {
    /// Processor time of everybody for one operation.
    Cpu,
    /// Processor time of the server for one operation, without whoever asks it.
    ServerCpu,
    /// Operations a second.
    Rate,
    /// The middle latency.
    P50,
    /// The latency that one of a hundred exceeds.
    P99,
    /// Statements for one operation.
    Statements,
}

impl Metric {
    /// Whether noise on the machine spoils it.
    pub(super) fn is_of_the_wall_clock(self) -> bool {
        matches!(self, Self::Rate | Self::P50 | Self::P99)
    }

    /// A column's heading.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::ServerCpu => "server CPU",
            Self::Rate => "rate",
            Self::P50 => "p50",
            Self::P99 => "p99",
            Self::Statements => "SQL",
        }
    }
}

/// On which side of the figure the good lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Bound {
    AtMost,
    AtLeast,
}

/// What is promised: the metric of `over` divided by that of `under`, or by nothing where the promise is a count.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Goal {
    pub(super) metric: Metric,
    pub(super) over: &'static str,
    pub(super) under: Option<&'static str>,
    pub(super) bound: Bound,
    /// Missed, the run fails.
    pub(super) gate: Option<f64>,
    /// What we build for.
    pub(super) extraordinary: Option<f64>,
}

/// How a goal was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// The worse end of the interval meets the extraordinary figure.
    Extraordinary,
    /// It meets the gate, or nothing is asked of it.
    Met,
    /// It misses the extraordinary figure, and there is no gate.
    Short,
    /// It misses the gate.
    Missed,
    /// The rounds were too noisy, or none was measured.
    Void,
}

impl Verdict {
    /// As it stands in the table.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Extraordinary => "extraordinary",
            Self::Met => "gate met",
            Self::Short => "short of the goal",
            Self::Missed => "GATE MISSED",
            Self::Void => "void",
        }
    }
}

impl Goal {
    /// Our ratio may be at most these.
    pub(super) fn at_most(
        (metric, over, under): (Metric, &'static str, &'static str),
        gate: Option<f64>,
        extraordinary: Option<f64>,
    ) -> Self {
        Self {
            metric,
            over,
            under: Some(under),
            bound: Bound::AtMost,
            gate,
            extraordinary,
        }
    }

    /// Our ratio must be at least these.
    pub(super) fn at_least(
        ratio: (Metric, &'static str, &'static str),
        gate: Option<f64>,
        extraordinary: Option<f64>,
    ) -> Self {
        Self {
            bound: Bound::AtLeast,
            ..Self::at_most(ratio, gate, extraordinary)
        }
    }

    /// A figure of one arm by itself.
    pub(super) fn figure(
        (metric, over): (Metric, &'static str),
        bound: Bound,
        gate: Option<f64>,
        extraordinary: Option<f64>,
    ) -> Self {
        Self {
            metric,
            over,
            under: None,
            bound,
            gate,
            extraordinary,
        }
    }

    /// What is compared, in words.
    pub(super) fn title(&self) -> String {
        let over = format!("{} {}", self.metric.title(), self.over);
        match self.under {
            Some(under) => format!("{over} ÷ {under}"),
            None => over,
        }
    }

    /// Judges the interval by its worse end.
    pub(super) fn judge(&self, interval: Option<Interval>) -> Verdict {
        let Some(interval) = interval else {
            return Verdict::Void;
        };
        let meets = |figure: f64| match self.bound {
            Bound::AtMost => interval.high <= figure,
            Bound::AtLeast => interval.low >= figure,
        };
        match (self.gate.map(meets), self.extraordinary.map(meets)) {
            (_, Some(true)) => Verdict::Extraordinary,
            (Some(true), _) | (None, None) => Verdict::Met,
            (None, Some(false)) => Verdict::Short,
            (Some(false), _) => Verdict::Missed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worse_end_decides() {
        let goal = Goal::at_most((Metric::Cpu, "ours", "stock"), Some(0.5), Some(0.1));
        let interval = |low, high| {
            Some(Interval {
                low,
                median: f64::midpoint(low, high),
                high,
            })
        };
        assert_eq!(goal.judge(interval(0.05, 0.09)), Verdict::Extraordinary);
        assert_eq!(goal.judge(interval(0.05, 0.2)), Verdict::Met);
        assert_eq!(goal.judge(interval(0.05, 0.6)), Verdict::Missed);
        assert_eq!(goal.judge(None), Verdict::Void);
        let goal = Goal::at_least((Metric::Rate, "ours", "stock"), Some(2.0), None);
        assert_eq!(goal.judge(interval(1.9, 3.0)), Verdict::Missed);
        assert_eq!(goal.judge(interval(2.1, 3.0)), Verdict::Met);
        let goal = Goal::at_least((Metric::Rate, "ours", "stock"), None, Some(2.0));
        assert_eq!(goal.judge(interval(1.9, 3.0)), Verdict::Short);
        assert_eq!(goal.judge(interval(2.1, 3.0)), Verdict::Extraordinary);
    }
}
