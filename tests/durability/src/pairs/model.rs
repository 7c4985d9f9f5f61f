//! What may come of two acts: each after the other, in both orders, on the host in memory.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use guestlist_contract::{Function, host::Call};
use guestlist_harness::Plugin;
use guestlist_memory::MemoryHost;
use guestlist_testkit::{Fault, Interceptor};
use serde_json::Value;

use super::{
    normal::{Part, REQUESTS, Run, is_left_out, is_not_now, part_of},
    ops::Op,
    scene::{START, Scene, Template},
};
use crate::{
    act::{Answer, Command},
    host::{Post, Stage},
};

/// The run that is played in memory.
const MODEL: u64 = 88_888_888;

/// How what came of a run can be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Explained {
    /// This one was first; both, where that makes no difference.
    First([bool; 2]),
    /// This one was told "not now" while the other was at it; the other explains the rest.
    NotNow(usize),
    /// One happened while the other was between two host calls.
    Within { place: String, why: Option<&'static str>, differs: Vec<String> },
    /// By no sequence. Where it differs from each of the two orders.
    Not(Vec<String>),
}

/// What two acts can come to in a scene.
pub struct Model {
    plugin: Plugin,
    template: Arc<Template>,
    ops: [Op; 2],
    serial: [Value; 2],
    alone: [Value; 2],
    /// Made when it is needed.
    within: Option<Vec<Nested>>,
}

/// One act in the middle of the other.
#[derive(Clone, Debug)]
struct Nested {
    place: String,
    /// Why it may come to this.
    why: Option<&'static str>,
    /// One of the two was told "not now", and the other explains the rest.
    is_not_now: bool,
    value: Value,
}

/// One that acts in the middle of the other's call.
struct Between {
    at: usize,
    seen: AtomicUsize,
    stage: Stage,
    command: Command,
    /// The host call that it came before, and what it was answered.
    done: Mutex<Option<(Function, Part)>>,
}

#[async_trait]
impl Interceptor for Between {
    async fn before(&self, _: &Call, function: Function) -> Option<Fault> {
        if self.seen.fetch_add(1, Ordering::SeqCst) == self.at {
            let part = act(&self.stage, &self.command, None).await;
            *self.done.lock().unwrap() = Some((function, part));
        }
        None
    }
}

async fn act(stage: &Stage, command: &Command, around: Option<Arc<dyn Interceptor>>) -> Part {
    let post = Arc::new(Post::default());
    let answer = stage.act_with(command, post.clone(), around).await;
    Some((answer, post.letters()))
}

/// A world in memory, in which the two can act.
struct Play {
    memory: Arc<MemoryHost>,
    stage: Stage,
    commands: [Command; 2],
    run: Run,
}

impl Play {
    fn of(plugin: &Plugin, template: &Template, ops: [Op; 2]) -> Self {
        let (realm, letters, cast) = template.copy(MODEL);
        let memory = Arc::new(MemoryHost::default());
        memory.set_realm(realm.clone());
        memory.set_clock(START);
        let stage = Stage::in_memory(plugin, memory.clone());
        let commands = [ops[0].command(&cast, REQUESTS[0]), ops[1].command(&cast, REQUESTS[1])];
        let run = Run { cast, letters, parts: [None, None], realm };
        Self { memory, stage, commands, run }
    }

    async fn do_one(&mut self, index: usize) {
        self.run.parts[index] = act(&self.stage, &self.commands[index], None).await;
    }

    fn ended(mut self) -> Run {
        let realm = self.memory.realm();
        let audit: Vec<_> = realm.audit.iter().collect();
        self.run.realm = part_of(&realm, &audit, &self.run.cast);
        self.run
    }
}

impl Model {
    /// Plays both orders, and each of the two alone.
    pub async fn of(plugin: &Plugin, template: Arc<Template>, ops: [Op; 2]) -> Self {
        let mut serial = [Value::Null, Value::Null];
        let mut alone = [Value::Null, Value::Null];
        for first in [0, 1] {
            let mut play = Play::of(plugin, &template, ops);
            play.do_one(first).await;
            play.do_one(1 - first).await;
            serial[first] = play.ended().normal();
            let mut play = Play::of(plugin, &template, ops);
            play.do_one(first).await;
            alone[first] = play.ended().normal();
        }
        Self { plugin: plugin.clone(), template, ops, serial, alone, within: None }
    }

    /// How a run can be explained. `strictly`: only by one order or the other, or by a lock that the contract
    /// lets pass.
    pub async fn explain(&mut self, run: &Run, overlapped: bool, strictly: bool) -> Explained {
        let seen = run.normal();
        let first = [seen == self.serial[0], seen == self.serial[1]];
        if first.contains(&true) {
            return Explained::First(first);
        }
        if overlapped {
            for (index, op) in self.ops.into_iter().enumerate() {
                let told = |answer: &Answer| match strictly {
                    true => is_left_out(op, answer),
                    false => is_not_now(answer),
                };
                if self.explains_without(run, index, told) {
                    return Explained::NotNow(index);
                }
            }
        }
        let differs = |index: usize| {
            let found = super::normal::differences(&seen, &self.serial[index], 6);
            format!("not {:?} first: {}", self.ops[index], found.join("; "))
        };
        let differs = vec![differs(0), differs(1)];
        if !strictly
            && overlapped
            && let Some(nested) = self.within().await.iter().find(|nested| nested.value == seen)
        {
            return Explained::Within { place: nested.place.clone(), why: nested.why, differs };
        }
        Explained::Not(differs)
    }

    /// This act was not done, in the sense of `told`, and the other alone comes to the rest.
    fn explains_without(&self, run: &Run, index: usize, told: impl Fn(&Answer) -> bool) -> bool {
        let not_now = run.parts[index].as_ref().is_some_and(|(answer, _)| told(answer));
        not_now && run.without(index).normal() == self.alone[1 - index]
    }

    /// What the one can come to in the middle of the other although nothing says that it may.
    pub async fn surprises(&mut self) -> Vec<String> {
        let serial = self.serial.clone();
        let nested = self.within().await.iter();
        let surprising = nested
            .filter(|nested| nested.why.is_none() && !nested.is_not_now && !serial.contains(&nested.value));
        surprising
            .map(|nested| {
                let differs = |serial| super::normal::differences(&nested.value, serial, 3).join("; ");
                format!("{}:\n  {}\n  {}", nested.place, differs(&serial[0]), differs(&serial[1]))
            })
            .collect()
    }

    /// One of the two, wholly, between two host calls of the other: everywhere.
    async fn within(&mut self) -> &[Nested] {
        if self.within.is_none() {
            let mut all = Vec::new();
            for outer in [0, 1] {
                for at in 1.. {
                    let mut play = Play::of(&self.plugin, &self.template, self.ops);
                    let between = Arc::new(Between {
                        at,
                        seen: AtomicUsize::new(0),
                        stage: play.stage.clone(),
                        command: play.commands[1 - outer].clone(),
                        done: Mutex::default(),
                    });
                    play.run.parts[outer] =
                        act(&play.stage, &play.commands[outer], Some(between.clone())).await;
                    let Some((function, part)) = between.done.lock().unwrap().take() else { break };
                    play.run.parts[1 - outer] = part;
                    let (inner, outer) = (self.ops[1 - outer], self.ops[outer]);
                    let place = format!("{inner:?} before {function} of {outer:?}");
                    let run = play.ended();
                    let is_not_now = (0..2).any(|index| self.explains_without(&run, index, is_not_now));
                    all.push(Nested { place, why: outer.admits(inner), is_not_now, value: run.normal() });
                }
            }
            self.within = Some(all);
        }
        self.within.as_deref().unwrap_or_default()
    }
}

/// All models that were needed so far.
pub struct Models {
    plugin: Plugin,
    templates: BTreeMap<Scene, Arc<Template>>,
    models: BTreeMap<(Scene, [Op; 2]), Model>,
}

impl Models {
    /// Plays all scenes.
    pub async fn new(plugin: &Plugin) -> Self {
        let mut templates = BTreeMap::new();
        for scene in Scene::ALL {
            templates.insert(scene, Arc::new(Template::of(plugin, scene).await));
        }
        Self { plugin: plugin.clone(), templates, models: BTreeMap::new() }
    }

    #[must_use]
    pub fn template(&self, scene: Scene) -> &Template {
        &self.templates[&scene]
    }

    /// The model of two acts in a scene.
    pub async fn of(&mut self, scene: Scene, ops: [Op; 2]) -> &mut Model {
        if !self.models.contains_key(&(scene, ops)) {
            let model = Model::of(&self.plugin, self.templates[&scene].clone(), ops).await;
            self.models.insert((scene, ops), model);
        }
        self.models.get_mut(&(scene, ops)).expect("it was just made")
    }
}
