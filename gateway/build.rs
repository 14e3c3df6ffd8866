//! Tells cargo when the pages have to be embedded anew. A debug build reads them from disk, and needs no
//! telling.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("PROFILE").as_deref() == Ok("release") {
        println!("cargo::rerun-if-changed=../player/src");
        println!("cargo::rerun-if-changed=../player/dist");
    }
}
