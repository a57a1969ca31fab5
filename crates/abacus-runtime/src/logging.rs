//! Log lines on standard output, as JSON for machines or as text for a terminal. Panics are logged
//! too.
//!
//! A JSON line is one flat object: `timestamp`, `level`, `service`, `target` and `message`, then
//! the fields of the surrounding spans and of the event. An event's field overrides a span's field
//! of equal name.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt;
use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;

use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, error, info};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, Scope};
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogConfig, LogFormat};

/// Logs the address of a listener, also for tools that look for its port: message `listening`,
/// fields `server` and `address`.
pub fn announce(server: &'static str, address: SocketAddr) {
    info!(server, %address, "listening");
}

/// Starts to write events and panics to standard output.
pub(crate) fn initialise(service: &'static str, config: &LogConfig) -> anyhow::Result<()> {
    let filter = EnvFilter::builder().parse(config.filter.directives())?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter);
    match config.format {
        LogFormat::Json => builder
            .fmt_fields(JsonFields::new())
            .event_format(JsonLine { service })
            .finish()
            .try_init(),
        LogFormat::Text => builder.with_ansi(io::stdout().is_terminal()).finish().try_init(),
    }?;
    log_panics();
    Ok(())
}

fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let backtrace = Backtrace::capture();
        let captured = backtrace.status() == BacktraceStatus::Captured;
        error!(
            panic.message = panic.payload_as_str().unwrap_or("no message"),
            panic.location = panic.location().map(tracing::field::display),
            panic.thread = thread.name(),
            panic.backtrace = captured.then(|| tracing::field::display(backtrace)),
            "panicked",
        );
    }));
}

/// A log line. The names of the first four fields are reserved: fields of events with these names
/// are dropped.
#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'a str,
    service: &'a str,
    target: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Value>,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

/// Formats an event as one flat JSON object with the name of the service.
struct JsonLine {
    service: &'static str,
}

impl<S> FormatEvent<S, JsonFields> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields(span_fields(context));
        event.record(&mut fields);
        let target = fields.take_log_target().unwrap_or_else(|| event.metadata().target().into());

        let line = serde_json::to_string(&Line {
            timestamp: now()?,
            level: event.metadata().level().as_str(),
            service: self.service,
            target,
            message: fields.0.remove("message"),
            fields: fields.without_reserved(),
        });
        let line = line.map_err(|_| fmt::Error)?;
        writeln!(writer, "{line}")
    }
}

fn now() -> Result<String, fmt::Error> {
    let mut text = String::new();
    SystemTime.format_time(&mut Writer::new(&mut text))?;
    Ok(text)
}

/// Fields of the spans around an event, outermost first: inner spans override outer spans.
fn span_fields<S>(context: &FmtContext<'_, S, JsonFields>) -> Map<String, Value>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let mut all = Map::new();
    for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
        let extensions = span.extensions();
        let Some(formatted) = extensions.get::<FormattedFields<JsonFields>>() else { continue };
        if let Ok(fields) = serde_json::from_str::<Map<String, Value>>(&formatted.fields) {
            all.extend(fields);
        }
    }
    all
}

struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    /// Takes the target of an event from the `log` facade, which puts the target into a field
    /// `log.target`. Removes all fields of the facade.
    fn take_log_target(&mut self) -> Option<Value> {
        let target = self.0.remove("log.target")?;
        self.0.retain(|name, _| !name.starts_with("log."));
        Some(target)
    }

    fn without_reserved(mut self) -> Map<String, Value> {
        self.0.retain(|name, _| !["timestamp", "level", "service", "target"].contains(&&**name));
        self.0
    }
}

impl Visit for Fields {
    /// Records an error with all its causes.
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let causes = std::iter::successors(Some(value), |error| error.source());
        let texts: Vec<String> = causes.map(ToString::to_string).collect();
        self.put(field, texts.join(": "));
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::subscriber::with_default;
    use tracing::{info_span, warn};

    use super::*;

    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(body: impl FnOnce()) -> Value {
        let output = Output::default();
        let writer = output.clone();
        let subscriber = tracing_subscriber::fmt()
            .fmt_fields(JsonFields::new())
            .event_format(JsonLine { service: "abacus-test" })
            .with_writer(move || writer.clone())
            .finish();
        with_default(subscriber, body);
        let bytes = output.0.lock().unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn a_listener_is_announced_with_service_server_and_address() {
        let line = logged(|| announce("http", ([127, 0, 0, 1], 4711).into()));
        assert_eq!(line["message"], "listening");
        assert_eq!(line["service"], "abacus-test");
        assert_eq!(line["server"], "http");
        assert_eq!(line["address"], "127.0.0.1:4711");
        assert_eq!(line["level"], "INFO");
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn fields_of_spans_are_on_the_line_and_the_innermost_wins() {
        let line = logged(|| {
            let _outer = info_span!("outer", kafka.partition = 1, topic = "a").entered();
            let _inner = info_span!("inner", kafka.partition = 2).entered();
            warn!(attempt = 3_u64, done = false, "held");
        });
        assert_eq!(line["kafka.partition"], 2);
        assert_eq!(line["topic"], "a");
        assert_eq!(line["attempt"], 3);
        assert_eq!(line["done"], false);
    }

    #[test]
    fn an_error_is_logged_with_its_causes() {
        let error = anyhow::anyhow!("refused").context("connecting").context("starting");
        let line = logged(|| warn!(error = AsRef::<dyn std::error::Error>::as_ref(&error), "x"));
        assert_eq!(line["error"], "starting: connecting: refused");
    }

    #[test]
    fn a_field_cannot_displace_the_name_of_the_service() {
        let line = logged(|| info!(service = "other", "x"));
        assert_eq!(line["service"], "abacus-test");
    }
}
