//! `hpa-oracle`: the planner's HPA, asked one case a line.

fn main() -> std::io::Result<()> {
    pinisi_oracle::serve(pinisi_oracle::hpa::answer)
}
