//! Too little room everywhere: what fits is placed, the rest is stated, never all or nothing.

use crate::GROUPS;
use pinisi_e2e::objects::{apply, at_site, condition, deployment, mass, namespace, replicas, site};
use pinisi_e2e::wait::{always, eventually};
use pinisi_lab::load::Offered;

#[test]
fn shortage_places_what_fits_and_states_the_rest() {
    pinisi_e2e::run(GROUPS, async |world| {
        let (client, ns) = (&world.client, "short");
        apply(client, site("home-short")).await?;
        apply(client, site("cloud-short")).await?;
        apply(client, namespace(ns, "MassTraffic")).await?;
        apply(client, deployment(ns, "web", "home-short", 1, 500)).await?;
        apply(
            client,
            mass(ns, "web", &["home-short", "cloud-short"], 1, 100),
        )
        .await?;
        world.exporter.set(ns, "web", Offered::Rps(500.0));
        eventually(
            "every one of the 16 places is used and CapacityShort says so",
            60,
            async || {
                let home = replicas(client, ns, "web").await?;
                let cloud = at_site(client, ns, "cloud-short").await?;
                let short = condition(client, ns, "web", "CapacityShort").await?;
                Ok(home == Some((8, 8))
                    && cloud == (8, 8)
                    && short.is_some_and(|c| c.0 == "True" && c.2.contains("16 of 55")))
            },
        )
        .await?;
        // Nothing is left Pending, and it stays so.
        always("nothing asks for more than fits", 5, async || {
            Ok(replicas(client, ns, "web").await? == Some((8, 8))
                && at_site(client, ns, "cloud-short").await? == (8, 8))
        })
        .await
    });
}
