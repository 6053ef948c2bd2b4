//! A line to hpa-oracle: whatever it is, it gets an answer, and a second time the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pinisi_oracle::hpa::answer;

fuzz_target!(|data: &[u8]| {
    let Ok(line) = std::str::from_utf8(data) else {
        return;
    };
    let said = answer(line);
    let one = ["ok", "fault", "error"]
        .iter()
        .filter(|field| said.get(field).is_some());
    assert_eq!(one.count(), 1, "{said}");
    assert_eq!(said, answer(line));
});
