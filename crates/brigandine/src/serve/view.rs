//! The terminal view: one line for each request, and what else a person at the terminal should see.
//!
//! In a flood a terminal shows nothing anyway and costs much, so lines are capped per second and the rest counted.

use std::{
    io::IsTerminal,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    time::Duration,
};

use anstyle::{AnsiColor, Style};
use brigandine_model::{
    Alert, ConnectionFailed, ConnectionRefused, Event, EventJudged, FunctionLogged, Guard, Happening,
    InvocationFinished, Judged, RequestAnswered, Severity,
};
use jiff::{Timestamp, tz::TimeZone};

use crate::face::{harmless, say};

/// Lines shown per second; the rest are counted.
const LINES_PER_SECOND: u32 = 60;

/// Events that may wait for the terminal; more are left out and counted.
const WAITING: usize = 256;

/// Alerts that may wait besides: they are shown in any flood.
const URGENT: usize = 64;

/// Longest wait for the terminal at the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// The thread in which a [`View`] prints, so that a terminal nobody reads holds up nothing but itself.
#[derive(Debug)]
pub(crate) struct Watcher {
    sender: SyncSender<Event>,
    urgent: Arc<Mutex<Vec<Event>>>,
    left_out: Arc<AtomicU64>,
    shows: bool,
    done: Receiver<()>,
}

impl Watcher {
    /// Shows one event when there is room, and an alert in any flood.
    pub(crate) fn show(&self, event: Event) {
        if matches!(event.what, Happening::Alerted(_)) {
            let mut urgent = self.urgent.lock().unwrap_or_else(PoisonError::into_inner);
            if self.shows && urgent.len() < URGENT {
                urgent.push(event);
            }
            return;
        }
        if self.shows && is_for_people(&event.what) && self.sender.try_send(event).is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Shows what is waiting, for a moment at most.
    pub(crate) fn close(self) {
        let Self { sender, done, .. } = self;
        drop(sender);
        // A terminal that is not read by then is not waited for.
        done.recv_timeout(FAREWELL).unwrap_or_default();
    }
}

/// What is shown, and how much of it was shown this second.
#[derive(Debug)]
pub(crate) struct View {
    shows: bool,
    zone: TimeZone,
    second: i64,
    lines: u32,
    left_out: u64,
    /// What `explain` has to be told to find the record; nothing where it is not named.
    explained_by: Option<String>,
}

impl View {
    /// Shows events on standard error.
    pub(crate) fn standard_error() -> Self {
        let zone = if std::io::stderr().is_terminal() { TimeZone::system() } else { TimeZone::UTC };
        Self { shows: true, zone, ..Self::silent() }
    }

    /// The same, and what the firewall refuses names the command that explains it, with these options.
    pub(crate) fn explained_by(self, options: &str) -> Self {
        Self { explained_by: Some(options.to_owned()), ..self }
    }

    /// Shows nothing.
    pub(crate) fn silent() -> Self {
        Self { shows: false, zone: TimeZone::UTC, second: 0, lines: 0, left_out: 0, explained_by: None }
    }

    /// Starts the thread in which it prints.
    pub(crate) fn watch(mut self) -> std::io::Result<Watcher> {
        let (sender, receiver) = sync_channel::<Event>(WAITING);
        let (told, done) = sync_channel(1);
        let left_out = Arc::new(AtomicU64::new(0));
        let urgent = Arc::new(Mutex::new(Vec::new()));
        let (shows, missed, alerts) = (self.shows, left_out.clone(), urgent.clone());
        std::thread::Builder::new().name("view".to_owned()).spawn(move || {
            loop {
                let heard = receiver.recv_timeout(Duration::from_millis(200));
                self.show_all(std::mem::take(&mut alerts.lock().unwrap_or_else(PoisonError::into_inner)));
                match heard {
                    Ok(event) => self.show(&event),
                    Err(RecvTimeoutError::Timeout) => self.tick(),
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                self.left_out += missed.swap(0, Ordering::Relaxed);
            }
            self.tick();
            told.send(()).unwrap_or_default();
        })?;
        Ok(Watcher { sender, urgent, left_out, shows, done })
    }

    /// Shows alerts, whatever was shown this second.
    fn show_all(&self, alerts: Vec<Event>) {
        for event in alerts {
            if let Happening::Alerted(alert) = &event.what {
                let time = self.time(event.at);
                alert_lines(alert).iter().enumerate().for_each(|(place, line)| {
                    say(&if place == 0 { format!("{time}  {line}") } else { format!("             {line}") });
                });
            }
        }
    }

    fn time(&self, at: Timestamp) -> String {
        at.to_zoned_datetime(self.zone.clone()).strftime("%H:%M:%S").to_string()
    }

    /// Shows one event, if it is one for people.
    fn show(&mut self, event: &Event) {
        if let Some(line) = line(&event.what) {
            let why = self.explained_by.as_deref().and_then(|options| explanation(&event.what, options));
            self.print(event.at, &(line + &why.unwrap_or_default()));
        }
    }

    /// Says how much was left out, once the flood is over.
    fn tick(&mut self) {
        if self.left_out > 0 {
            say(&format!("          … and {} more, all in the record", self.left_out));
            self.left_out = 0;
        }
    }

    fn print(&mut self, at: Timestamp, line: &str) {
        if at.as_second() != self.second {
            self.tick();
            self.second = at.as_second();
            self.lines = 0;
        }
        if self.lines >= LINES_PER_SECOND {
            self.left_out += 1;
            return;
        }
        self.lines += 1;
        say(&format!("{}  {line}", self.time(at)));
    }
}

fn is_for_people(what: &Happening) -> bool {
    match what {
        Happening::RequestAnswered(_)
        | Happening::FunctionLogged(_)
        | Happening::ConnectionRefused(_)
        | Happening::ConnectionFailed(_)
        | Happening::Reloaded(_)
        | Happening::ReloadFailed(_)
        | Happening::RequestsNotKept(_) => true,
        Happening::EventJudged(judged) => judged.judged != Judged::Noted,
        Happening::InvocationFinished(invocation) => invocation.error.is_some(),
        Happening::EnvironmentStopped(stopped) => is_fault(&stopped.reason),
        _ => false,
    }
}

fn line(what: &Happening) -> Option<String> {
    match what {
        Happening::RequestAnswered(request) => Some(request_line(request)),
        Happening::FunctionLogged(logged) => Some(log_line(logged)),
        Happening::InvocationFinished(invocation) => invocation_line(invocation),
        Happening::ConnectionRefused(refused) => Some(refused_line(refused)),
        Happening::ConnectionFailed(failed) => Some(failed_line(failed)),
        Happening::Reloaded(reloaded) => Some(format!("  ↻  {}", harmless(&reloaded.subject))),
        Happening::ReloadFailed(failed) => Some(failed_reload_line(failed)),
        Happening::RequestsNotKept(lost) => {
            Some(format!("  ·  {} refused request(s) were not kept: {}", lost.count, harmless(&lost.reason)))
        }
        Happening::EventJudged(judged) => event_line(judged),
        Happening::EnvironmentStopped(stopped) if is_fault(&stopped.reason) => {
            let style = Style::new().fg_color(Some(AnsiColor::Yellow.into()));
            Some(format!("  {style}✕{style:#}  {} ended: {}", stopped.function, harmless(&stopped.reason)))
        }
        _ => None,
    }
}

/// Names the command that says why the firewall refused a request.
fn explanation(what: &Happening, options: &str) -> Option<String> {
    let id = match what {
        Happening::RequestAnswered(request) => {
            let mut refusals = request.refusal.iter().chain(&request.observed);
            refusals.any(|refusal| refusal.guard == Guard::Inspection).then_some(&request.request)
        }
        Happening::EventJudged(judged) => Some(&judged.request),
        _ => None,
    }?;
    let dim = Style::new().dimmed();
    Some(format!("  {dim}brigandine explain --request {}{}{dim:#}", harmless(id), harmless(options)))
}

fn failed_reload_line(failed: &brigandine_model::ReloadFailed) -> String {
    let style = Style::new().fg_color(Some(AnsiColor::Yellow.into()));
    let (subject, reason) = (harmless(&failed.subject), harmless(&failed.reason));
    format!("  {style}✕{style:#}  {subject} stays as it was: {reason}")
}

/// An event, or one item of it, that did not reach its function.
fn event_line(judged: &EventJudged) -> Option<String> {
    let item = judged.item.as_ref().map_or_else(String::new, |item| format!(", item {}", harmless(item)));
    let verdict = match judged.judged {
        Judged::Refused => "refused, in quarantine",
        Judged::Observed => "would be refused",
        Judged::Noted => return None,
    };
    let style = Style::new().fg_color(Some(AnsiColor::Yellow.into()));
    Some(format!("  {style}✕{style:#}  event for {}{item}: {verdict}", judged.function))
}

/// An alert: what it is, then what shows it.
fn alert_lines(alert: &Alert) -> Vec<String> {
    let (mark, color) = match alert.severity {
        _ if alert.resolved => ("✓", AnsiColor::Green),
        Severity::Critical | Severity::High => ("▲", AnsiColor::Red),
        Severity::Medium | Severity::Low => ("▲", AnsiColor::Yellow),
        Severity::Info => ("▲", AnsiColor::Cyan),
    };
    let (style, dim) = (Style::new().fg_color(Some(color.into())).bold(), Style::new().dimmed());
    let title = format!("  {style}{mark}  {}{style:#}", harmless(&alert.title));
    let evidence = alert.evidence.iter().map(|line| format!("  {dim}{}{dim:#}", harmless(line)));
    std::iter::once(title).chain(evidence).collect()
}

/// Whether an environment ended by a fault rather than by our own will.
fn is_fault(reason: &str) -> bool {
    !matches!(reason, "idle" | "reload" | "shutdown")
}

fn request_line(request: &RequestAnswered) -> String {
    let style = status_style(request.status);
    let who = request.function.as_ref().map_or_else(String::new, ToString::to_string);
    let mut line = format!(
        "{style}{}{style:#}  {:<6} {:<32} {who:<18} {:>9}",
        request.status,
        harmless(&request.method),
        harmless(&request.path),
        duration(request.duration_us),
    );
    if let Some(refusal) = &request.refusal {
        line = format!("{line}  {}: {}", refusal.guard.as_str(), harmless(&refusal.reason));
    }
    for refusal in &request.observed {
        line = format!("{line}  would refuse ({}: {})", refusal.guard.as_str(), harmless(&refusal.reason));
    }
    line
}

fn log_line(logged: &FunctionLogged) -> String {
    let dim = Style::new().dimmed();
    // Stack traces come as one line with carriage returns, as the platform keeps them.
    let line = logged.line.replace('\r', " / ");
    format!("     {dim}{} |{dim:#} {}", logged.function, harmless(line.trim_end()))
}

/// A run that failed; one that went well is told by its request.
fn invocation_line(invocation: &InvocationFinished) -> Option<String> {
    let error = invocation.error.as_ref()?;
    let style = Style::new().fg_color(Some(AnsiColor::Red.into()));
    let took = duration(invocation.duration_us);
    Some(format!("  {style}✕{style:#}  {} failed after {took}: {}", invocation.function, harmless(error)))
}

fn refused_line(refused: &ConnectionRefused) -> String {
    format!("  ·  {} connection(s) from {} turned away: {}", refused.count, refused.peer, refused.reason)
}

fn failed_line(failed: &ConnectionFailed) -> String {
    let ConnectionFailed { peer, stage, reason, count } = failed;
    format!("  ·  {count} connection(s) from {peer} ended ({stage}): {}", harmless(reason))
}

fn status_style(status: u16) -> Style {
    let color = match status {
        0..300 => AnsiColor::Green,
        300..400 => AnsiColor::Cyan,
        400..500 => AnsiColor::Yellow,
        _ => AnsiColor::Red,
    };
    Style::new().fg_color(Some(color.into()))
}

/// A time in the unit a person would choose.
fn duration(us: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for display; exact far beyond any run time")]
    let us = us as f64;
    match us {
        ..1000.0 => format!("{us:.0} µs"),
        ..1_000_000.0 => format!("{:.1} ms", us / 1000.0),
        _ => format!("{:.2} s", us / 1_000_000.0),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use brigandine_model::{Guard, Refusal};

    use super::*;

    fn request(status: u16, path: &str) -> RequestAnswered {
        RequestAnswered {
            request: "r".into(),
            client: [127, 0, 0, 1].into(),
            method: "GET".into(),
            path: path.into(),
            route: None,
            function: None,
            caller: None,
            status,
            received_bytes: 0,
            sent_bytes: 0,
            duration_us: 1234,
            refusal: None,
            observed: Vec::new(),
        }
    }

    /// A refused request, for the tests of others too.
    pub(crate) fn refused(refusal: Refusal) -> RequestAnswered {
        RequestAnswered { refusal: Some(refusal), ..request(403, "/orders") }
    }

    #[test]
    fn an_alert_is_a_title_and_what_shows_it_and_cannot_write_to_the_terminal() {
        let mut alert = Alert {
            since: Timestamp::UNIX_EPOCH,
            severity: Severity::High,
            key: "attack".into(),
            title: "attack: 40 of 80".into(),
            evidence: vec!["at POST /\u{1b}[2J (90 %)".into()],
            resolved: false,
        };
        let lines = alert_lines(&alert);
        assert!(lines[0].contains("▲  attack: 40 of 80"), "{lines:?}");
        assert!(lines[1].contains("/\\u{1b}[2J (90 %)"), "{lines:?}");
        alert.resolved = true;
        assert!(alert_lines(&alert)[0].contains("✓"));
    }

    #[test]
    fn a_refused_request_says_who_refused_it_and_cannot_write_to_the_terminal() {
        let refusal = Refusal {
            guard: Guard::Identity,
            status: 401,
            code: "x",
            reason: "no\u{7} token".into(),
            retry_after: None,
        };
        let line = request_line(&RequestAnswered { refusal: Some(refusal), ..request(401, "/a\u{1b}[2J") });
        assert!(line.contains("identity: no\\u{7} token"), "{line}");
        assert!(line.contains("/a\\u{1b}[2J"), "{line}");
    }

    #[test]
    fn times_are_shown_in_a_readable_unit() {
        assert_eq!([duration(5), duration(1500), duration(2_500_000)], ["5 µs", "1.5 ms", "2.50 s"]);
    }
}
