//! The router as a whole under arbitrary sequences of requests, also cut off ones: what
//! design section 4 says holds after each. `make fuzz` goes on where `make test` ends.

mod attack;

use std::slice;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use attack::Attack;

/// Bytes, read as choices. When they are used up, every choice is the first.
struct Script<'s>(slice::Iter<'s, u8>);

impl Script<'_> {
    fn number(&mut self) -> usize {
        self.0.next().copied().unwrap_or_default().into()
    }

    fn pick<'c, T>(&mut self, choices: &'c [T]) -> Option<&'c T> {
        choices.get(self.number() % choices.len().max(1))
    }

    fn text<'c>(&mut self, choices: &[&'c str]) -> &'c str {
        self.pick(choices).copied().unwrap_or_default()
    }

    /// So many of the next bytes.
    fn bytes(&mut self) -> Vec<u8> {
        let length = self.number();
        self.0.by_ref().take(length).copied().collect()
    }
}

/// Does what the bytes say, and then leaves, as everybody does.
async fn drive(bytes: &[u8]) {
    let mut attack = Attack::begin();
    let mut script = Script(bytes.iter());
    while !script.0.as_slice().is_empty() {
        attack.step += 1;
        attack.act(&mut script).await;
        attack.check();
    }
    attack.leave().await;
}

proptest! {
    #[test]
    fn whatever_is_asked_the_invariants_hold(bytes in vec(any::<u8>(), 0..160)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build();
        runtime.unwrap().block_on(drive(&bytes));
    }
}
