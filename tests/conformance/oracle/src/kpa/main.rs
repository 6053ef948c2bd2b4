//! `kpa-oracle`: the simulator's model of Knative, asked one case a line.

mod answer;
mod case;

fn main() -> std::io::Result<()> {
    pinisi_oracle::serve(|line| pinisi_oracle::to(line, answer::to))
}
