//! A door with nothing behind it, to measure the way to a function without one:
//! `cargo run --release -p brigandine-gateway --example null -- RULES.conf`.
//!
//! It serves every path on a free port of the loopback address with the rules of a file and what that file includes, on one
//! thread, as one worker of a peer does. Identity is off and events are forgotten. It prints what loading took and where it
//! listens.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measuring tool that cannot go on has failed"
)]

#[path = "../../inspect/tests/support/load.rs"]
mod load;
#[path = "../tests/serving/stage.rs"]
#[expect(dead_code, clippy::indexing_slicing, clippy::panic, clippy::string_slice, reason = "shared with the tests")]
mod stage;

use std::sync::Arc;

use brigandine_gateway::{Door, Firewall, Settings};
use brigandine_model::{Event, Sink, Throttle};

// As the program itself does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Forget;

impl Sink for Forget {
    fn emit(&self, _: Event) {}
}

fn main() {
    let file = std::env::args().nth(1).expect("a file of rules");
    let (rules, took) = load::load(&file);
    println!("loaded {} rules in {} ms", rules.len(), took.as_millis());
    for note in rules.notes() {
        println!("note: {note}");
    }
    let no_limit = Throttle { rate: 1e9, burst: 1_000_000 };
    let mut firewall = Firewall::new(rules);
    firewall.inspection.response_body = Some(false);
    let settings = Settings { route_throttle: no_limit, firewall: Some(firewall), ..stage::settings() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let nothing = stage::backend(|_| async { Ok(stage::answer(200, "ok")) });
        let door = Door::new(Arc::new(stage::open_app()), settings, nothing, Arc::new(Forget)).unwrap();
        let address = door.bind().await.unwrap();
        println!("http://{address}/ ");
        door.serve(std::future::pending()).await.unwrap();
    });
}
