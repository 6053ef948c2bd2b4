//! What a person sees while the demo runs: a small table redrawn each second on
//! a terminal, a line each five seconds where there is none.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::example::{Example, MASS, SENSITIVE};
use super::reference::needed;
use super::seen::{Place, Seen};
use crate::exporter::Exporter;
use crate::load::Offered;

const REDRAW: Duration = Duration::from_secs(1);
/// Redraws for one plain line.
const PLAIN_EVERY: u32 = 5;
const BAR: u32 = 48;

/// How to show a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A table that is redrawn.
    Live,
    /// Lines, one after the other.
    Plain,
}

impl Style {
    /// What fits where standard output goes.
    #[must_use]
    pub fn fitting() -> Self {
        if std::io::stdout().is_terminal() {
            Self::Live
        } else {
            Self::Plain
        }
    }
}

/// The screen. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Screen {
    style: Style,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Lines of the table that stand on the terminal now.
    drawn: usize,
    minute: Option<usize>,
    home_capacity: u32,
}

/// One moment, as it is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Moment {
    minute: Option<usize>,
    load: f64,
    needed: u32,
    home: (u32, u32),
    cloud: (u32, u32),
    pending: u32,
    sensitive: u32,
    off: usize,
    home_capacity: u32,
}

impl Screen {
    /// A screen of this style.
    #[must_use]
    pub fn new(style: Style) -> Self {
        Self {
            style,
            state: Arc::default(),
        }
    }

    /// One line that stays.
    pub fn say(&self, line: &str) {
        let mut state = self.lock();
        let mut out = std::io::stdout().lock();
        // Nobody may be reading any more; that is no reason to end.
        let _ = out.write_all(erase(&mut state).as_bytes());
        let _ = writeln!(out, "{line}");
        let _ = out.flush();
    }

    /// A trace minute has begun.
    pub fn minute(&self, minute: usize) {
        self.lock().minute = Some(minute);
    }

    /// The trace is over.
    pub fn no_minute(&self) {
        self.lock().minute = None;
    }

    /// What home holds is known.
    pub fn home_capacity(&self, replicas: u32) {
        self.lock().home_capacity = replicas;
    }

    /// Shows the run until the task is aborted.
    #[must_use]
    pub fn show(
        &self,
        seen: Arc<Mutex<Seen>>,
        exporter: Exporter,
        example: &Example,
    ) -> JoinHandle<()> {
        let this = self.clone();
        let services = example.mass.clone();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(REDRAW);
            let mut count = 0_u32;
            loop {
                ticks.tick().await;
                count = count.wrapping_add(1);
                if this.style == Style::Plain && !count.is_multiple_of(PLAIN_EVERY) {
                    continue;
                }
                let mut moment = Moment::of(&seen.lock().unwrap_or_else(PoisonError::into_inner));
                for service in &services {
                    if let Some(Offered::Rps(rps)) = exporter.offered(MASS, &service.name) {
                        moment.load += rps;
                        moment.needed += needed(rps, service.one_serves);
                    }
                }
                this.draw(moment);
            }
        })
    }

    /// Takes the table away, for what is said at the end.
    pub fn close(&self) {
        let mut state = self.lock();
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(erase(&mut state).as_bytes());
        let _ = out.flush();
    }

    fn draw(&self, mut moment: Moment) {
        let mut state = self.lock();
        (moment.minute, moment.home_capacity) = (state.minute, state.home_capacity);
        let lines = match self.style {
            Style::Live => table(&moment),
            Style::Plain => vec![line(&moment)],
        };
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(erase(&mut state).as_bytes());
        let _ = writeln!(out, "{}", lines.join("\n"));
        let _ = out.flush();
        if self.style == Style::Live {
            state.drawn = lines.len();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Moves over the table and clears it.
fn erase(state: &mut State) -> String {
    match std::mem::take(&mut state.drawn) {
        0 => String::new(),
        lines => format!("\x1b[{lines}A\x1b[J"),
    }
}

impl Moment {
    fn of(seen: &Seen) -> Self {
        let (sensitive, _) = seen.now(SENSITIVE, Place::Home);
        let (_, pending) = seen.now(MASS, Place::Nowhere);
        Self {
            home: seen.now(MASS, Place::Home),
            cloud: seen.now(MASS, Place::Away),
            pending,
            sensitive,
            off: seen.off_lawful().len(),
            ..Self::default()
        }
    }
}

/// The time of day of a trace minute.
#[must_use]
pub fn clock(minute: usize) -> String {
    const BEGIN: usize = 6 * 60 + 30;
    const HOUR: usize = 60;
    let at = BEGIN + minute;
    format!("{:02}:{:02}", at / HOUR, at % HOUR)
}

fn line(moment: &Moment) -> String {
    let Moment {
        minute,
        load,
        needed,
        home,
        cloud,
        pending,
        sensitive,
        off,
        home_capacity: _,
    } = moment;
    let time = minute.map_or("--:--".to_owned(), clock);
    format!(
        "{time}  load {load:>5.0}/s  needed {needed:>3}  home {:>3} ready of {:>3}  cloud {:>3} ready of {:>3}  pending {pending:>2}  sensitive {sensitive} ready, {off} off home",
        home.0, home.1, cloud.0, cloud.1
    )
}

fn table(moment: &Moment) -> Vec<String> {
    let Moment {
        minute,
        load,
        needed,
        home,
        cloud,
        pending,
        sensitive,
        off,
        home_capacity,
    } = moment;
    let time = minute.map_or("--:--".to_owned(), clock);
    let most = (*needed).max(home.0 + cloud.0).max(*home_capacity).max(1);
    let part = |count: u32, sign: &str| sign.repeat((count * BAR).div_ceil(most) as usize);
    vec![
        format!(
            "  1998-05-12 {time}   load {load:>5.0} requests/s   needed {needed:>3}   home holds {home_capacity}"
        ),
        format!("  {:<10} {:>6} {:>7}", "", "ready", "exist"),
        format!(
            "  {:<10} {:>6} {:>7}  {}",
            "home",
            home.0,
            home.1,
            part(home.0, "#")
        ),
        format!(
            "  {:<10} {:>6} {:>7}  {}",
            "cloud",
            cloud.0,
            cloud.1,
            part(cloud.0, "=")
        ),
        format!(
            "  {:<10} {:>6} {:>7}  {}",
            "needed",
            "",
            needed,
            part(*needed, "-")
        ),
        format!("  {:<10} {:>6} {:>7}", "pending", "", pending),
        format!("  {:<10} {:>6} {:>7} off home", "sensitive", sensitive, off),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_the_trace_s() {
        assert_eq!(
            [0, 10, 29, 30].map(clock),
            ["06:30", "06:40", "06:59", "07:00"]
        );
    }

    #[test]
    fn a_table_is_redrawn_over_itself_and_a_line_pushes_it_down() {
        let mut state = State {
            drawn: 7,
            ..State::default()
        };
        assert_eq!(erase(&mut state), "\x1b[7A\x1b[J");
        assert_eq!(erase(&mut state), "");
        let moment = Moment {
            needed: 97,
            home: (26, 28),
            cloud: (60, 71),
            home_capacity: 35,
            minute: Some(10),
            ..Moment::default()
        };
        let table = table(&moment);
        assert!(table[0].contains("06:40") && table[0].contains("home holds 35"));
        assert!(table.iter().all(|line| line.len() < 100), "{table:?}");
        assert!(line(&moment).contains("cloud  60 ready of  71"));
    }
}
