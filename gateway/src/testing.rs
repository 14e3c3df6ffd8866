//! The router as a whole under arbitrary sequences of requests, also cut off ones: what
//! design section 4 says holds after each. The tests below call it with arbitrary bytes,
//! `fuzz/targets/router.rs` with those that lead where none has led before.

mod attack;
mod relayed;
mod seen;
pub(crate) mod stage;

use std::slice;

use attack::Attack;
use stage::{gateway_with, relaying_gateway};

use crate::throttle::Rates;

/// Does what the bytes say, and then leaves, as everybody does. The first one says whether
/// there is a relay.
///
/// # Panics
///
/// If the gateway panics, or anything does not hold that must.
pub fn router(bytes: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build();
    let runtime = runtime.expect("the system has a descriptor left");
    runtime.block_on(drive(bytes));
}

async fn drive(bytes: &[u8]) {
    let mut script = Script(bytes.iter());
    let gateway = match script.number() % 2 {
        0 => gateway_with(Rates::default()),
        _ => relaying_gateway(),
    };
    let mut attack = Attack::on(gateway);
    while !script.0.as_slice().is_empty() {
        attack.step += 1;
        attack.act(&mut script).await;
        attack.check();
    }
    attack.leave().await;
}

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

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::router;

    proptest! {
        #[test]
        fn whatever_is_asked_the_invariants_hold(bytes in vec(any::<u8>(), 0..160)) {
            router(&bytes);
        }
    }

    #[test]
    fn what_the_fuzzer_kept_leaves_the_invariants_standing() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/router");
        let mut count = 0;
        for file in fs::read_dir(folder).unwrap() {
            router(&fs::read(file.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count > 0, "nothing is kept");
    }
}
