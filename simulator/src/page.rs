//! A study as one HTML page that needs nothing beside itself: no script, no font, no picture from
//! elsewhere. It is well-formed as XML, readable in light and dark, and every number on it comes from
//! the run. Not here: what is drawn (`page/chart`).

mod chart;
mod style;

use crate::algorithm::Algorithm;
use crate::price::Price;
use crate::setup::Setup;
use crate::study::{Outcome, Study};
use crate::summary::Summary;
use crate::words::{count, figure, money, span};
use jiff::tz::TimeZone;
use std::fmt::Write as _;

/// A table of its own before the rest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheet {
    /// What it shows.
    pub title: String,
    /// Names of its columns.
    pub header: Vec<String>,
    /// Its rows.
    pub rows: Vec<Vec<String>>,
    /// What there is to say of it, a sentence each.
    pub notes: Vec<String>,
}

/// What the page tells.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// What was looked at, in a few words.
    pub title: &'a str,
    /// What is the same for all.
    pub setup: &'a Setup,
    /// Each autoscaler on its own signal path.
    pub study: &'a Study,
    /// Each on Pinisi's, where that was asked for.
    pub equal_lag: Option<&'a Study>,
    /// A core's price in the cloud for an hour, with its currency.
    pub price: Option<(Price, &'a str)>,
    /// A table before all others.
    pub sheet: Option<&'a Sheet>,
    /// What was assumed, a sentence each.
    pub assumptions: &'a [String],
}

impl Page<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let mut page = String::new();
        page += "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n";
        page += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n";
        let title = escape(self.title);
        put(
            &mut page,
            format_args!(
                "<title>{title}</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n",
                style::CSS
            ),
        );
        put(&mut page, format_args!("<h1>{title}</h1>\n"));
        if let Some(sheet) = self.sheet {
            sheet.render(&mut page);
        }
        self.lead(&mut page);
        self.table(
            &mut page,
            "What each would have left unserved, and what it would have cost",
            self.study,
        );
        for outcome in &self.study.outcomes {
            self.course(&mut page, outcome);
        }
        page += "<h2>Unserved, all of them</h2>\n<p>Requests a second that found no place. Lower is better; nothing is best.</p>\n";
        page += &chart::lines(
            self.setup,
            &self.study.outcomes,
            |p| p.unserved,
            "requests a second",
        );
        page += "<h2>Cost, all of them</h2>\n<p>Replicas that were paid for, those that were starting up included. The dashed line is what the load itself needed.</p>\n";
        page += &chart::replicas(self.setup, &self.study.outcomes);
        if let Some(equal) = self.equal_lag {
            let said = "The same, if all saw the load as early as Pinisi does";
            self.table(&mut page, said, equal);
        }
        self.small_print(&mut page);
        page += "</main>\n</body>\n</html>\n";
        page
    }

    fn lead(&self, page: &mut String) {
        let oracle = self.study.oracle.all();
        let services = &self.setup.services;
        let peak: f64 = services.iter().map(|s| s.load.peak()).sum();
        let to = self.setup.span.on_calendar(self.setup.start);
        let day = |t: jiff::Timestamp| {
            t.to_zoned(TimeZone::UTC)
                .strftime("%-d %B %Y, %H:%M")
                .to_string()
        };
        put(
            page,
            format_args!(
                "<p class=\"lead\">Between {} and {} (UTC) <b>{}</b> requests come, at most <b>{}</b> in a second. \
             That takes up to <b>{}</b> replicas; a new one is ready after {}.</p>\n",
                day(self.setup.start),
                day(to),
                count(oracle.offered),
                count(peak),
                count(oracle.peak.get().into()),
                span(
                    self.setup
                        .sites
                        .first()
                        .map_or(0.0, |s| s.start_up.seconds())
                ),
            ),
        );
        if let Some(ours) = self
            .study
            .outcomes
            .iter()
            .find(|o| o.algorithm == Algorithm::Pinisi)
        {
            let all = ours.tally.all();
            let unserved = if all.unserved >= 0.5 {
                format!(
                    "{} of them, {} %, find no place",
                    count(all.unserved),
                    figure(ours.summary.unserved_pct)
                )
            } else {
                "every one of them is served".into()
            };
            put(
                page,
                format_args!(
                    "<p class=\"lead\">With Pinisi {unserved}, at <b>{}</b> times the least that could serve them all.</p>\n",
                    figure(ours.summary.cost_ratio),
                ),
            );
            if let (Some(funds), Some((price, _))) = (self.setup.funds, self.price) {
                let spent = money(cloud_cost(self.setup, ours, price));
                let (currency, ceiling) = (funds.currency, funds.ceiling);
                put(
                    page,
                    format_args!(
                        "<p class=\"lead\">Of {currency} <b>{ceiling}</b> that it may spend in the cloud it spends <b>{spent}</b>; the others know of no money.</p>\n"
                    ),
                );
            }
        }
    }

    fn table(&self, page: &mut String, title: &str, study: &Study) {
        put(
            page,
            format_args!(
                "<h2>{}</h2>\n<div class=\"wide\"><table>\n<thead><tr><th>Autoscaler</th>",
                escape(title)
            ),
        );
        *page += "<th>Not served</th><th>of all requests</th><th>Replica-hours</th><th>by the least possible</th><th>Most replicas</th>";
        for site in &self.setup.sites {
            put(
                page,
                format_args!("<th>Hours at {}</th>", escape(site.name.as_str())),
            );
        }
        if let Some((_, currency)) = self.price {
            put(page, format_args!("<th>Cloud, {}</th>", escape(currency)));
        }
        *page += "</tr></thead>\n<tbody>\n";
        for outcome in &study.outcomes {
            let Summary {
                unserved_pct,
                cost_ratio,
                replica_hours,
                churn: _,
            } = outcome.summary;
            let all = outcome.tally.all();
            put(
                page,
                format_args!(
                    "<tr><th><span class=\"dot {}\"></span>{}</th><td>{}</td><td>{} %</td><td>{}</td><td>{} times</td><td>{}</td>",
                    outcome.algorithm.name(),
                    outcome.algorithm.title(),
                    count(all.unserved),
                    figure(unserved_pct),
                    count(replica_hours),
                    figure(cost_ratio),
                    count(all.peak.get().into()),
                ),
            );
            for site in &outcome.tally.sites {
                put(
                    page,
                    format_args!("<td>{}</td>", count(site.replica_seconds / 3600.0)),
                );
            }
            if let Some((price, _)) = self.price {
                put(
                    page,
                    format_args!("<td>{}</td>", money(cloud_cost(self.setup, outcome, price))),
                );
            }
            *page += "</tr>\n";
        }
        let oracle = study.oracle.all();
        put(
            page,
            format_args!(
                "<tr class=\"oracle\"><th>Whoever knows the future</th><td>0</td><td>0 %</td><td>{}</td><td>1 times</td><td>{}</td>",
                count(oracle.replica_seconds / 3600.0),
                count(oracle.peak.get().into()),
            ),
        );
        for _ in 0..self.setup.sites.len() + usize::from(self.price.is_some()) {
            *page += "<td></td>";
        }
        *page += "</tr>\n</tbody></table></div>\n";
    }

    fn course(&self, page: &mut String, outcome: &Outcome) {
        let Outcome {
            algorithm,
            summary,
            tally,
            course,
            first_unserved,
        } = outcome;
        let title = algorithm.title();
        put(
            page,
            format_args!(
                "<h2><span class=\"dot {}\"></span>{title}</h2>\n<p>",
                algorithm.name()
            ),
        );
        match first_unserved {
            None => *page += "Every request is served. ",
            Some(at) => {
                let when = at.on_calendar(self.setup.start).to_zoned(TimeZone::UTC);
                put(
                    page,
                    format_args!(
                        "Not served: {} requests, {} %; the first after {} (UTC). ",
                        count(tally.all().unserved),
                        figure(summary.unserved_pct),
                        when.strftime("%-d %B, %H:%M"),
                    ),
                );
            }
        }
        for (site, sums) in self.setup.sites.iter().zip(&tally.sites) {
            put(
                page,
                format_args!(
                    "At {}: up to {} replicas. ",
                    escape(site.name.as_str()),
                    count(sums.peak.get().into())
                ),
            );
        }
        *page += "</p>\n";
        *page += &chart::capacity(self.setup, title, course);
    }

    fn small_print(&self, page: &mut String) {
        *page += "<h2>How to read this</h2>\n<ul>\n";
        let waits = match self.setup.patience {
            None => "Nothing waits in a queue here, and nobody tries again.".to_owned(),
            Some(p) => format!(
                "Who finds none waits for up to {}; of those who give up {} % try again after {}.",
                span(p.wait.seconds()),
                p.again.get(),
                span(p.after.seconds()),
            ),
        };
        put(
            page,
            format_args!(
                "<li>A request is served if there is a ready replica with room for it in the moment when it comes. {waits}</li>\n"
            ),
        );
        *page += "<li>The least possible is what somebody would pay who knows the future: at each moment exactly the \
                  replicas that the load needs, without the time in which they start.</li>\n";
        *page += "<li>Pinisi is the planner itself, with its default settings. The HPA is its own rules, compared with \
                  Kubernetes' code; KEDA is an HPA on a query of one minute; Knative is a model, compared with its code. \
                  They hold 70 % of what a replica can serve.</li>\n";
        for assumption in self.assumptions {
            put(page, format_args!("<li>{}</li>\n", escape(assumption)));
        }
        *page += "</ul>\n";
    }
}

impl Sheet {
    fn render(&self, page: &mut String) {
        put(
            page,
            format_args!(
                "<h2>{}</h2>\n<div class=\"wide\"><table>\n<thead><tr>",
                escape(&self.title)
            ),
        );
        for name in &self.header {
            put(page, format_args!("<th>{}</th>", escape(name)));
        }
        *page += "</tr></thead>\n<tbody>\n";
        for row in &self.rows {
            *page += "<tr>";
            for cell in row {
                put(page, format_args!("<td>{}</td>", escape(cell)));
            }
            *page += "</tr>\n";
        }
        *page += "</tbody></table></div>\n<ul>\n";
        for note in &self.notes {
            put(page, format_args!("<li>{}</li>\n", escape(note)));
        }
        *page += "</ul>\n";
    }
}

/// What the cores of the cloud cost in a run, in units of the currency.
#[must_use]
pub fn cloud_cost(setup: &Setup, outcome: &Outcome, price: Price) -> f64 {
    use pinisi_planner::model::site::SiteKind;
    let sites = setup.sites.iter().zip(&outcome.tally.sites);
    let cloud = sites.filter(|(site, _)| site.kind == SiteKind::Cloud);
    let hours: f64 = cloud.map(|(_, sums)| sums.core_seconds / 3600.0).sum();
    price.of(hours).rounded()
}

/// Text that is safe between tags and in quotes.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

/// Adds to a text; that cannot fail.
pub(crate) fn put(page: &mut String, what: std::fmt::Arguments<'_>) {
    let _ = page.write_fmt(what);
}
