//! Money is a limit as room is: what a budget pays for overflows, the rest is said with its price.

use crate::GROUPS;
use anyhow::ensure;
use pinisi_e2e::objects::{
    apply, at_site, budget, condition, deployment, mass, namespace, priced, replicas, site,
    workload,
};
use pinisi_e2e::plugin::plugin;
use pinisi_e2e::wait::{always, eventually};
use pinisi_lab::load::Offered;

#[test]
fn overflow_ends_where_the_budget_does_and_goes_on_when_it_is_raised() {
    pinisi_e2e::run(GROUPS, async |world| {
        let (client, ns) = (&world.client, "paid");
        apply(client, site("home-paid")).await?;
        // 500m at 2 IDR a core are 1 IDR a replica.
        apply(client, priced("cloud-paid", "2")).await?;
        apply(client, namespace(ns, "MassTraffic")).await?;
        apply(client, deployment(ns, "web", "home-paid", 2, 500)).await?;
        apply(client, mass(ns, "web", &["home-paid", "cloud-paid"], 2, 40)).await?;
        world.exporter.set(ns, "web", Offered::Rps(110.0));

        // 110 at 10 a replica with a tenth of margin is 13; home holds 8 of them above its watermark.
        let unpaid = "a priced site that nobody pays for gets nothing, and home goes on";
        eventually(unpaid, 40, async || {
            let limited = condition(client, ns, "web", "BudgetLimited").await?;
            Ok(replicas(client, ns, "web").await? == Some((8, 8))
                && limited.is_some_and(|c| c.0 == "True" && c.1 == "NoBudget"))
        })
        .await?;
        ensure!(at_site(client, ns, "cloud-paid").await?.0 == 0, "{unpaid}");
        let (_, check) = plugin(world, &["check", "-o", "json"]).await?;
        let found = check["checks"].as_array().into_iter().flatten();
        let named = found.filter(|c| c["id"] == "PN090" && c["status"] == "fail");
        ensure!(named.count() == 1, "{check}");

        apply(client, budget("paid", ns, "1000", "3.5")).await?;
        eventually("3 in the cloud, with home's 8", 30, async || {
            Ok(at_site(client, ns, "cloud-paid").await? == (3, 3)
                && replicas(client, ns, "web").await? == Some((8, 8)))
        })
        .await?;
        eventually("what is kept back is said with its price", 20, async || {
            let limited = condition(client, ns, "web", "BudgetLimited").await?;
            Ok(limited.is_some_and(|(status, reason, text)| {
                (status.as_str(), reason.as_str()) == ("True", "BudgetLimited")
                    && ["11 of 13", "CloudBudget paid", "2 more would cost 2 IDR"]
                        .iter()
                        .all(|part| text.contains(part))
            }))
        })
        .await?;
        let status = workload(client, ns, "web")
            .await?
            .status
            .unwrap_or_default();
        ensure!(
            status.cost_per_hour.as_deref() == Some("3 IDR"),
            "{status:?}"
        );
        always("no more than is paid for", 5, async || {
            Ok(at_site(client, ns, "cloud-paid").await?.0 == 3)
        })
        .await?;

        apply(client, budget("paid", ns, "1000", "10")).await?;
        eventually("all 13 run once the budget is raised", 30, async || {
            let limited = condition(client, ns, "web", "BudgetLimited").await?;
            Ok(at_site(client, ns, "cloud-paid").await? == (5, 5)
                && limited.is_some_and(|c| c.0 == "False"))
        })
        .await?;

        apply(client, budget("paid", ns, "0", "10")).await?;
        eventually("a ceiling of 0 brings all of them home", 40, async || {
            Ok(at_site(client, ns, "cloud-paid").await?.0 == 0
                && replicas(client, ns, "web").await? == Some((8, 8)))
        })
        .await
    });
}
