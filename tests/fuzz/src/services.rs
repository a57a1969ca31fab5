//! The services under test.

use abacus_testkit::{Service, System};

use crate::evidence::ServiceEnd;

const MIB: u64 = 1 << 20;

/// One ingress, one processor and one projector.
pub(crate) struct Services {
    all: [(&'static str, Service, u64); 3],
}

/// Largest resident memory, in bytes. A client of Kafka holds a whole batch unpacked, and its queue in
/// front of it: 24 MiB for each of two topics and four partitions. A service holds further copies of a
/// record: as read, as decoded, as row, completion or dead letter. The processor also holds its cache
/// (64 MiB) and its uncommitted results; debug builds add some.
const BOUNDS: [u64; 3] = [512 * MIB, 1024 * MIB, 1024 * MIB];

impl Services {
    pub(crate) fn start(system: &System) -> Self {
        let setups = [system.ingress(), system.processor(), system.projector()];
        let [ingress, processor, projector] = system.start_all(setups);
        let [of_ingress, of_processor, of_projector] = BOUNDS;
        Self {
            all: [
                ("ingress", ingress, of_ingress),
                ("processor", processor, of_processor),
                ("projector", projector, of_projector),
            ],
        }
    }

    pub(crate) fn ingress(&mut self) -> &mut Service {
        &mut self.all[0].1
    }

    pub(crate) fn projector(&mut self) -> &mut Service {
        &mut self.all[2].1
    }

    /// Returns whether all processes run.
    pub(crate) fn are_running(&mut self) -> bool {
        self.all.iter_mut().all(|(_, service, _)| service.is_running())
    }

    /// Largest resident memory of each service since its start, in bytes.
    pub(crate) fn peaks(&self) -> [u64; 3] {
        self.all.each_ref().map(|(_, service, _)| service.peak_resident_bytes())
    }

    /// The states of the services.
    pub(crate) fn ends(&mut self) -> Vec<ServiceEnd> {
        self.all.iter_mut().map(|(name, service, bound)| end(name, service, *bound)).collect()
    }

    /// The last log lines of the services that have ended.
    pub(crate) fn last_words(&mut self) -> Vec<String> {
        let ended = self.all.iter_mut().filter_map(|(name, service, _)| {
            let lines = (!service.is_running()).then(|| service.last_lines(20))?;
            Some(format!("{name}:\n{}", lines.join("\n")))
        });
        ended.collect()
    }
}

fn end(name: &'static str, service: &mut Service, bound: u64) -> ServiceEnd {
    if let Some(status) = service.exit_status() {
        let exit = Some(status.to_string());
        return ServiceEnd { name, exit, is_ready: false, peak: 0, bound, panics: 0 };
    }
    let is_ready = service.admin().try_get("/readyz").is_ok_and(|answer| answer.status == 200);
    let panics = service.try_count("abacus_processor_panics_total", &[]).unwrap_or_default();
    ServiceEnd { name, exit: None, is_ready, peak: service.peak_resident_bytes(), bound, panics }
}
