//! A decision as its status has it: reasons in words and as data, and the room that it saw.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use pinisi_crds::decision::{DecisionStatus, ReasonStatus, SiteRoom};
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::{Decision, Reason, Share};

/// Most reasons, as in the CRD's schema; the most telling ones are first.
const REASONS_MAX: usize = 64;
/// Most sites, as in the CRD's schema.
const SITES_MAX: usize = 160;

/// What is said of it at that moment.
pub fn said(decision: &Decision, now: Timestamp) -> DecisionStatus {
    let rooms = decision.shares.iter().take(SITES_MAX);
    let room = |(site, share): (&pinisi_planner::model::site::SiteName, &Share)| SiteRoom {
        name: site.to_string(),
        tier: i32::try_from(share.tier).unwrap_or(i32::MAX),
        under_high: share.under_high.map(Replicas::to_api),
        fits: share.fits.map(Replicas::to_api),
    };
    let reasons = decision.reasons.iter().take(REASONS_MAX);
    DecisionStatus {
        // As the server keeps times; a finer one would never equal what is read back.
        at: Time(Timestamp::from_second(now.as_second()).unwrap_or(now)),
        want: decision.want.to_api(),
        room: rooms.map(room).collect(),
        reasons: reasons.map(reason).collect(),
    }
}

fn reason(reason: &Reason) -> ReasonStatus {
    ReasonStatus {
        reason: reason.word().into(),
        message: reason.to_string(),
        data: serde_json::to_value(reason).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn its_reasons_can_be_read_back() {
        let reasons = vec![
            Reason::AtMaximum {
                need: Replicas::new(9),
                max: Replicas::new(5),
                to: Replicas::new(5),
            },
            Reason::Observed,
        ];
        let decision = testing::decision((3, 2), (2, 2), reasons.clone(), vec![]);
        let said = said(&decision, testing::at(7));
        assert_eq!((said.want, said.at.0), (5, testing::at(7)));
        assert_eq!(
            (said.room[0].name.as_str(), said.room[0].tier),
            ("cloud", 2)
        );
        assert_eq!(said.reasons[0].reason, "TooManyReplicas");
        let text = serde_json::to_string(&said).unwrap();
        let back: DecisionStatus = serde_json::from_str(&text).unwrap();
        assert_eq!(back, said);
        let read = back
            .reasons
            .iter()
            .map(|r| serde_json::from_value(r.data.clone()).unwrap());
        assert_eq!(read.collect::<Vec<Reason>>(), reasons);
    }
}
