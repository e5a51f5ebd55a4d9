//! A worker on its own, for tests and for programs that use this crate without `obhut`.

fn main() {
    std::process::exit(obhut_decode::worker::run(std::env::args().skip(2)));
}
