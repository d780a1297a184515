//! The families of the `prometheus` crate as sample lines, which every text format understands.
//!
//! The crate's own encoder writes one format only, with `le` labels that OpenMetrics does not take: it wants the
//! bounds as floating-point numbers.

use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};

use super::{Kind, labels};

/// The kind of a family, and its sample lines.
pub fn own(family: &MetricFamily) -> (Kind, String) {
    let mut lines = Lines { text: String::new(), name: family.name() };
    let kind = match family.get_field_type() {
        MetricType::COUNTER => Kind::Counter,
        MetricType::HISTOGRAM => Kind::Histogram,
        _ => Kind::Gauge,
    };
    for metric in family.get_metric() {
        match kind {
            Kind::Counter => lines.add("", metric.get_label(), None, metric.get_counter().get_value()),
            Kind::Gauge => lines.add("", metric.get_label(), None, metric.get_gauge().get_value()),
            Kind::Histogram => lines.add_histogram(metric),
        }
    }
    (kind, lines.text)
}

struct Lines<'a> {
    text: String,
    name: &'a str,
}

impl Lines<'_> {
    fn add(&mut self, suffix: &str, labels: &[LabelPair], le: Option<&str>, value: f64) {
        let text = &mut self.text;
        text.extend([self.name, suffix]);
        let le = le.map(|le| ("le", le));
        let pairs = labels.iter().map(|pair| (pair.name(), pair.value())).chain(le);
        let mut before = "{";
        for (name, value) in pairs {
            text.extend([before, name, "=\""]);
            labels::escape_into(text, value);
            text.push('"');
            before = ",";
        }
        text.extend([if before == "," { "} " } else { " " }, &value.to_string(), "\n"]);
    }

    fn add_histogram(&mut self, metric: &Metric) {
        let histogram = metric.get_histogram();
        let labels = metric.get_label();
        for bucket in histogram.get_bucket() {
            let bound = format!("{:?}", bucket.upper_bound());
            self.add("_bucket", labels, Some(&bound), bucket.cumulative_count() as f64);
        }
        let count = histogram.get_sample_count() as f64;
        self.add("_bucket", labels, Some("+Inf"), count);
        self.add("_sum", labels, None, histogram.get_sample_sum());
        self.add("_count", labels, None, count);
    }
}

#[cfg(test)]
mod tests {
    use prometheus::{Histogram, HistogramOpts, IntCounterVec, Opts, Registry};

    use super::*;

    #[test]
    fn counters_and_histograms_are_lines_of_every_format() {
        let registry = Registry::new();
        let counter = IntCounterVec::new(Opts::new("a_total", "A."), &["x"]).unwrap();
        counter.with_label_values(&["say \"a\\b\"\n"]).inc_by(3);
        registry.register(Box::new(counter)).unwrap();
        let histogram =
            Histogram::with_opts(HistogramOpts::new("b_seconds", "B.").buckets(vec![0.25, 1.0])).unwrap();
        histogram.observe(0.5);
        registry.register(Box::new(histogram)).unwrap();
        let text: String = registry.gather().iter().map(|family| own(family).1).collect();
        let expected = [
            r#"a_total{x="say \"a\\b\"\n"} 3"#,
            r#"b_seconds_bucket{le="0.25"} 0"#,
            r#"b_seconds_bucket{le="1.0"} 1"#,
            r#"b_seconds_bucket{le="+Inf"} 1"#,
            "b_seconds_sum 0.5",
            "b_seconds_count 1",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }
}
