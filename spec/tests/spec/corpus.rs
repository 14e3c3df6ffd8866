//! What the fuzzer has kept (`make fuzz`), once more with every `make test`.
use std::fs;
use std::path::Path;

#[allow(
    unreachable_pub,
    reason = "the fuzz targets are programs of another package"
)]
#[path = "../../fuzz/checks.rs"]
mod checks;

/// Calls the check with every kept text. The targets take bytes that are no UTF-8 for
/// nothing, so that nothing else is kept.
fn replay(target: &str, check: impl Fn(&str)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let files = fs::read_dir(folder.join(target)).unwrap();
    let mut count = 0;
    for file in files {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        check(&String::from_utf8_lossy(&bytes));
        count += 1;
    }
    assert!(count > 0, "nothing is kept of {target}");
}

#[test]
fn what_the_fuzzer_kept_is_parsed_as_it_should_be() {
    replay("candidate", checks::candidate);
    replay("event", checks::event);
    replay("forwarded", checks::forwarded);
    replay("layer-selection", checks::layer_selection);
    replay("link", checks::link);
    replay("media-type", checks::media_type);
    replay("prefer", checks::prefer);
    replay("proof", checks::proof);
    replay("room", checks::room);
    replay("sdp", checks::sdp);
    replay("sdpfrag", checks::sdpfrag);
    replay("shared-events", checks::shared_events);
    replay("token", checks::token);
}
