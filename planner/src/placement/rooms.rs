//! All sites with what is left on their nodes, in one table: a site is looked up by its name once for
//! each workload, and then known by its place. Not here: what room is (room).

use crate::model::World;
use crate::model::site::{Site, SiteName};
use crate::placement::room::Room;

/// A site's place in the table. Places are in the order of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(usize);

impl Place {
    /// As an index into other tables of all sites.
    pub(crate) const fn get(self) -> usize {
        self.0
    }
}

/// Slots for names that are known by where they stand. Those that share a slot are looked up.
const KNOWN: usize = 256;

/// The slot of an address. Texts stand 16 bytes apart at least.
const fn slot(address: usize) -> usize {
    (address / 16) % KNOWN
}

/// One site.
#[derive(Clone, Debug)]
pub(crate) struct Ground<'a> {
    /// Its name.
    pub name: &'a SiteName,
    /// As gathered.
    pub site: &'a Site,
    /// Left on its nodes.
    pub room: Room,
}

/// All sites.
#[derive(Clone, Debug)]
pub(crate) struct Rooms<'a> {
    grounds: Vec<Ground<'a>>,
    /// Places by where the name's text stands in memory: mostly the same for all who name the site.
    known: Vec<Option<(usize, Place)>>,
    elastic: bool,
}

impl<'a> Rooms<'a> {
    /// Everything, with what every workload holds.
    pub(crate) fn of(world: &'a World) -> Self {
        let ground = |(name, site)| Ground {
            name,
            site,
            room: Room::of(site),
        };
        let grounds: Vec<_> = world.sites.iter().map(ground).collect();
        let mut known = vec![None; KNOWN];
        for (i, ground) in grounds.iter().enumerate() {
            let address = ground.name.address();
            if let Some(slot) = known.get_mut(slot(address)) {
                *slot = Some((address, Place(i)));
            }
        }
        let mut rooms = Self {
            grounds,
            known,
            elastic: world.sites.values().any(|site| site.elastic.is_some()),
        };
        // What is held matters only beside a limit; most worlds have none.
        if world.sites.values().any(|site| site.max.is_some()) {
            for workload in world.workloads.values() {
                for (site, leg) in &workload.legs {
                    if let Some(room) = rooms.get_mut(site) {
                        room.holds(workload.request, leg.bound);
                    }
                }
            }
        }
        rooms
    }

    /// A site's place, where there is such a site.
    pub(crate) fn place(&self, site: &SiteName) -> Option<Place> {
        let address = site.address();
        match self.known.get(slot(address)) {
            Some(Some((same, place))) if *same == address => Some(*place),
            Some(_) | None => {
                let found = self.grounds.binary_search_by(|g| g.name.cmp(site));
                found.ok().map(Place)
            }
        }
    }

    /// True where any site has a pool that adds nodes.
    pub(crate) fn elastic(&self) -> bool {
        self.elastic
    }

    /// The site at a place.
    pub(crate) fn at(&self, place: Option<Place>) -> Option<&Ground<'a>> {
        self.grounds.get(place?.0)
    }

    /// The site at a place, to take of its room.
    pub(crate) fn at_mut(&mut self, place: Option<Place>) -> Option<&mut Ground<'a>> {
        self.grounds.get_mut(place?.0)
    }

    /// The room of a site.
    pub(crate) fn get(&self, site: &SiteName) -> Option<&Room> {
        Some(&self.at(self.place(site))?.room)
    }

    /// The room of a site, to take of it.
    pub(crate) fn get_mut(&mut self, site: &SiteName) -> Option<&mut Room> {
        let place = self.place(site);
        Some(&mut self.at_mut(place)?.room)
    }

    /// All sites, in the order of names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Ground<'a>> {
        self.grounds.iter()
    }

    /// All sites, to take of their room.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Ground<'a>> {
        self.grounds.iter_mut()
    }
}
