//! x
mod canned;
fn main() {
    let _ = canned::Canned;
}
