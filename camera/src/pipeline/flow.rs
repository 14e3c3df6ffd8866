//! Whether pictures come: nobody is kept who cannot be shown any.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::Pipeline;

/// A source that has given nothing for so long has nothing to show: a player that sees a picture
/// stand still gives up on it after the same time.
const SILENCE: Duration = Duration::from_secs(3);

/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(250);

impl Pipeline {
    /// Waits until the source gives a picture.
    pub(crate) async fn has_pictures(&self) {
        self.has_taken_in(self.frames_in() + 1).await;
    }

    /// Waits until the source has given none for a while.
    pub(crate) async fn has_no_pictures(&self) {
        let mut looks = interval(LOOK);
        // A machine that slept has missed some, and the source has slept as well.
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let most = SILENCE.div_duration_f64(LOOK) as u32;
        let (mut seen, mut left) = (self.frames_in(), most);
        while left > 0 {
            looks.tick().await;
            let now = self.frames_in();
            left = match std::mem::replace(&mut seen, now) == now {
                true => left - 1,
                false => most,
            };
        }
    }
}
