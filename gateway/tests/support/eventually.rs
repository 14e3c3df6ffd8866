//! Waiting for what nobody announces.

use std::fmt::Debug;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};

use super::LONG;

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Looks again and again until it sees what is waited for, and returns that.
pub(crate) async fn eventually<S: Debug>(
    what: &str,
    mut look: impl AsyncFnMut() -> S,
    is_it: impl Fn(&S) -> bool,
) -> S {
    let mut last = None;
    let looking = async {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            if is_it(last.insert(look().await)) {
                return;
            }
        }
    };
    let in_time = timeout(LONG, looking).await.is_ok();
    match last {
        Some(seen) if in_time => seen,
        last => panic!("not in time: {what}; last seen: {last:?}"),
    }
}
