//! Metrics as typed fields: the [`metrics!`](crate::metrics!) macro and the types behind the macro.

use std::collections::HashMap;

use prometheus::core::{Collector, MetricVec, MetricVecBuilder};
use prometheus::{
    Counter, CounterVec, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter,
    IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

/// Declares the metrics of a crate as a struct. The doc comment of a field is the HELP text.
///
/// ```
/// abacus_runtime::metrics! {
///     /// Metrics of the example.
///     pub struct Metrics {
///         /// Requests, by operation and outcome.
///         pub requests: IntCounterVec = "abacus_example_requests_total",
///             labels ["operation", "outcome" in ["succeeded", "failed"]];
///         /// Records read, by lane.
///         pub records: IntCounterVec = "abacus_example_records_total",
///             labels ["lane" in ["light", "heavy"]];
///         /// Requests that wait for their reply.
///         pub waiting: IntGauge = "abacus_example_waiting";
///         /// Time from a request to its reply.
///         pub latency: Histogram = "abacus_example_latency_seconds", buckets [0.001, 0.01, 0.1];
///     }
/// }
/// # fn main() -> prometheus::Result<()> {
/// let registry = prometheus::Registry::new();
/// let metrics = Metrics::register(&registry)?;
/// metrics.requests.with_label_values(&["pow", "succeeded"]).inc();
/// # Ok(())
/// # }
/// ```
///
/// The types are from [`prometheus`]: `IntCounter`, `Counter`, `IntGauge`, `Gauge`, `Histogram`, and
/// each of these with `Vec`. `in` closes a label: it lists all values, as any `IntoIterator` of
/// strings. When all labels of a metric are closed, all series are exported as zeros from the start,
/// so a rate includes the first event. For labels with values known only at run time, call
/// [`initialise`](crate::metrics::initialise). Without `buckets`, a histogram has the default buckets
/// of [`prometheus`].
#[macro_export]
macro_rules! metrics {
    (
        $(#[$struct_meta:meta])*
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $help:literal])+
                $field_vis:vis $field:ident: $kind:ident = $metric:expr
                    $(, labels [$($label:literal $(in $values:expr)?),+ $(,)?])?
                    $(, buckets $buckets:expr)?;
            )+
        }
    ) => {
        $(#[$struct_meta])*
        #[derive(Clone, Debug)]
        $vis struct $name {
            $(
                $(#[doc = $help])+
                $field_vis $field: $crate::prometheus::$kind,
            )+
        }

        impl $name {
            /// Creates and registers every metric. Fails if a name is taken or not allowed.
            #[allow(dead_code, reason = "a crate calls this or `register_labelled`")]
            $vis fn register(
                registry: &$crate::prometheus::Registry,
            ) -> $crate::prometheus::Result<Self> {
                Self::register_labelled(registry, &[])
            }

            /// Registers as [`register`](Self::register) does, with `labels` on every series. For a
            /// component with several instances in one process.
            #[allow(dead_code, reason = "a crate calls this or `register`")]
            $vis fn register_labelled(
                registry: &$crate::prometheus::Registry,
                labels: &[(&str, &str)],
            ) -> $crate::prometheus::Result<Self> {
                Ok(Self {
                    $(
                        $field: $crate::metrics::Description::new($metric, &[$($help),+])
                            .constants(labels)
                            $(.labels([$($crate::metrics::Label::open($label)$(.within($values))?),+]))?
                            $(.buckets($buckets))?
                            .register(registry)?,
                    )+
                })
            }
        }
    };
}

/// Description of a metric, from which the metric is created.
#[derive(Clone, Debug)]
pub struct Description {
    name: String,
    help: String,
    constants: HashMap<String, String>,
    labels: Vec<Label>,
    buckets: Option<Vec<f64>>,
}

impl Description {
    /// Describes a metric without labels. `help` holds the lines of a doc comment.
    pub fn new(name: &str, help: &[&str]) -> Self {
        let help = help.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        let constants = HashMap::new();
        Self { name: name.to_owned(), help, constants, labels: Vec::new(), buckets: None }
    }

    /// Adds constant labels to every series.
    #[must_use]
    pub fn constants(self, labels: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self { constants: labels.iter().map(owned).collect(), ..self }
    }

    /// Sets the labels.
    #[must_use]
    pub fn labels(self, labels: impl Into<Vec<Label>>) -> Self {
        Self { labels: labels.into(), ..self }
    }

    /// Sets the upper bounds of a histogram.
    #[must_use]
    pub fn buckets(self, buckets: impl Into<Vec<f64>>) -> Self {
        Self { buckets: Some(buckets.into()), ..self }
    }

    /// Creates and registers the metric.
    pub fn register<M: Metric>(self, registry: &Registry) -> prometheus::Result<M> {
        let metric = M::create(&self)?;
        registry.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn opts(&self) -> Opts {
        Opts::new(&self.name, &self.help).const_labels(self.constants.clone())
    }

    fn histogram_opts(&self) -> HistogramOpts {
        let opts = HistogramOpts::new(&self.name, &self.help).const_labels(self.constants.clone());
        match &self.buckets {
            Some(buckets) => opts.buckets(buckets.clone()),
            None => opts,
        }
    }

    fn label_names(&self) -> Vec<&str> {
        self.labels.iter().map(|label| label.name).collect()
    }

    fn refuse_labels(&self) -> prometheus::Result<()> {
        if self.labels.is_empty() {
            return Ok(());
        }
        Err(prometheus::Error::Msg(format!(
            "{}: labels need a type with the suffix Vec",
            self.name
        )))
    }

    fn refuse_buckets(&self) -> prometheus::Result<()> {
        if self.buckets.is_none() {
            return Ok(());
        }
        Err(prometheus::Error::Msg(format!("{}: only a histogram has buckets", self.name)))
    }

    /// Returns the values of every label, or `None` if a label is open.
    fn closed_labels(&self) -> Option<Vec<Vec<&str>>> {
        let values = |label: &'_ Label| label.values.is_some();
        self.labels.iter().all(values).then(|| {
            let lists = self.labels.iter().filter_map(|label| label.values.as_ref());
            lists.map(|list| list.iter().map(String::as_str).collect()).collect()
        })
    }
}

/// Label of a metric.
#[derive(Clone, Debug)]
pub struct Label {
    name: &'static str,
    values: Option<Vec<String>>,
}

impl Label {
    /// Creates a label with values unknown at the start.
    pub fn open(name: &'static str) -> Self {
        Self { name, values: None }
    }

    /// Closes the label to these values.
    #[must_use]
    pub fn within<V: AsRef<str>>(self, values: impl IntoIterator<Item = V>) -> Self {
        let values = values.into_iter().map(|value| value.as_ref().to_owned()).collect();
        Self { values: Some(values), ..self }
    }
}

/// Type of a metric in [`metrics!`](crate::metrics!).
pub trait Metric: Collector + Clone + Sized + 'static {
    /// Creates the metric, with all series if the labels are closed.
    fn create(description: &Description) -> prometheus::Result<Self>;
}

macro_rules! scalars {
    ($($kind:ty),+) => {$(
        impl Metric for $kind {
            fn create(description: &Description) -> prometheus::Result<Self> {
                description.refuse_labels()?;
                description.refuse_buckets()?;
                Self::with_opts(description.opts())
            }
        }
    )+};
}
scalars!(IntCounter, Counter, IntGauge, Gauge);

macro_rules! families {
    ($($kind:ty),+) => {$(
        impl Metric for $kind {
            fn create(description: &Description) -> prometheus::Result<Self> {
                description.refuse_buckets()?;
                let family = Self::new(description.opts(), &description.label_names())?;
                initialise_closed(&family, description)?;
                Ok(family)
            }
        }
    )+};
}
families!(IntCounterVec, CounterVec, IntGaugeVec, GaugeVec);

impl Metric for Histogram {
    fn create(description: &Description) -> prometheus::Result<Self> {
        description.refuse_labels()?;
        Self::with_opts(description.histogram_opts())
    }
}

impl Metric for HistogramVec {
    fn create(description: &Description) -> prometheus::Result<Self> {
        let family = Self::new(description.histogram_opts(), &description.label_names())?;
        initialise_closed(&family, description)?;
        Ok(family)
    }
}

fn initialise_closed<B: MetricVecBuilder>(
    family: &MetricVec<B>,
    description: &Description,
) -> prometheus::Result<()> {
    let Some(values) = description.closed_labels() else { return Ok(()) };
    let values: Vec<&[&str]> = values.iter().map(Vec::as_slice).collect();
    initialise(family, &values)
}

/// Exports every combination of label values from now on. `values` holds one list per label, in the
/// order of the labels.
pub fn initialise<B: MetricVecBuilder>(
    family: &MetricVec<B>,
    values: &[&[&str]],
) -> prometheus::Result<()> {
    combinations(values).iter().try_for_each(|combination| {
        family.get_metric_with_label_values(combination)?;
        Ok(())
    })
}

fn combinations<'a>(lists: &[&[&'a str]]) -> Vec<Vec<&'a str>> {
    lists.iter().fold(vec![vec![]], |prefixes, list| {
        let longer =
            |prefix: &Vec<&'a str>, value: &&'a str| [prefix.as_slice(), &[*value]].concat();
        prefixes
            .iter()
            .flat_map(|prefix| list.iter().map(move |value| longer(prefix, value)))
            .collect()
    })
}

#[cfg(test)]
mod tests;
