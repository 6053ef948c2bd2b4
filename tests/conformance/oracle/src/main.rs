//! `hpa-oracle`: the planner's HPA, asked one case a line.

mod answer;
mod case;

fn main() -> std::io::Result<()> {
    pinisi_oracle::serve(answer::to)
}
