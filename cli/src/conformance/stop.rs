//! Ctrl-C: a run ends after the attempt under way and removes what it made. A second one ends it at
//! once, and leaves the canaries to a later run.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Exit code after Ctrl-C, as shells have it.
pub const INTERRUPTED: u8 = 130;

/// Whether it was asked for.
#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Listens from now on.
    ///
    /// # Errors
    /// The process cannot listen to signals.
    pub fn listen() -> std::io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let (asked, stop) = watch::channel(false);
        tokio::spawn(async move {
            for times in 0_u8.. {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if times > 0 {
                    std::process::exit(i32::from(INTERRUPTED));
                }
                eprintln!("\nstopping: the canaries are being removed; once more leaves them");
                let _ = asked.send(true);
            }
        });
        Ok(Self(stop))
    }

    /// True once it was asked for.
    #[must_use]
    pub fn asked(&self) -> bool {
        *self.0.borrow()
    }
}
