//! `sim-oracle`: the simulator's contenders that are an HPA, asked one whole run a line.

mod answer;
mod case;

fn main() -> std::io::Result<()> {
    pinisi_oracle::serve(|line| pinisi_oracle::to(line, answer::to))
}
