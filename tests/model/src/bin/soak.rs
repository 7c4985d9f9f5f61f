//! placeholder
fn main() {
    let histories: u32 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100);
    let seed: u64 = std::env::args().nth(2).and_then(|n| n.parse().ok()).unwrap_or(1);
    let began = std::time::Instant::now();
    match guestlist_model::trial::trial(seed, histories, &guestlist_model::calls::Natively, |_, _| ()) {
        Ok(counts) => {
            for (what, count) in counts {
                println!("{count:>8} {what}")
            }
        }
        Err(why) => println!("{why}"),
    }
    println!("{:?}", began.elapsed());
}
