/**
 * Words that blame, as base forms by strength; inflected and derived forms are found by `word-forms.ts`, and praise
 * with a negative prefix ("unreliable") needs no entry. Written for this project from general English.
 */
export const negativeWords = {
  strong: `
abhor abhorrent abominable abomination abysmal appall appalling atrocious  awful catastrophe catastrophic crap crappy deplorable despicable detest
dire disaster disastrous disgrace disgraceful disgust disgusting dreadful dogshit egregious excruciating fiasco filthy foul fraud fraudulent garbage
ghastly grotesque gross hate hateful hell hellish hideous horrendous horrible horrid horrific horrify inedible inexcusable infuriate infuriating insufferable intolerable joke
junk laughable loathe loathsome lousy miserable nauseating nightmare nightmarish obnoxious outrage outrageous pathetic putrid rancid repugnant
repulsive revolting ripoff rip-off rotten rubbish scam scammer shameful shit shitty sickening stink suck sucky terrible trash travesty trashy unacceptable unbearable
unforgivable unusable useless vile wretched worthless worst wtf yuck yucky swindle shambles debacle 
`,
  plain: `
snap burst fray detach shear splinter topple capsize slog wiggle overflow misalign malfunctioning choppiness
bricked shrunk cardboard flake unravel rushed greenish yellowish bluish tint stutters dent dented noisy muddled crackles whirring
skip skips skipping skipped hiccup buzz buzzing hum crackle crackling pop-ups popup popups wooden chore maze paperweight doorstop mushy grind grinding tinny muffle hollow smoke moldy tepid undrinkable unheard-of overgrown neglected unprofessional screech delete erase unplugged smelled reek nag nagware adware bloated hogs hog hidden refuse died dies die dying ignored gross flimsiest overheating stuttering jittering pixellated grainy soggy wilted greasy lukewarm flavorless flavourless tasteless underseasoned unsalted oversalted overdone chewy rubbery gristle stench mildewy stains grumble
thumbs-down
lack lose
abandon abrasive abrupt abuse abusive ache aching acrid adverse afraid aggravate aggravating aggravation aggressive agony ail ailment alarming alas alienate aloof amateurish
ambiguous anger angry anguish annoy annoyance annoying anomaly anxious anxiety apathetic apologize apology arduous arrogance arrogant arrogantly artefact artifact ashamed
asinine assault atrophy awkward awkwardness backache bacteria bad badly baffle baffling bait ban banal bankrupt barbaric barf bedbug beg belittle bent betray bewilder
bicker bitter bizarre bland blah blame blatant bleak bleary blemish blister bloated bloatware blotchy blunder blunt blur blurry bogus boring bore boredom bother bothersome breach break breakage brittle
broken broke bruise brutal buggy bug bulky bully bummer bump bumpy burden burdensome burn burnt bust busted careless castigate caution cheat chaos chaotic chip chintzy choke choppy chore
clog clueless clumsy clunky clutter cluttered coarse cockroach collapse complain complaint complicate complicated complication con condescending confuse confusing
confusion congested conflict contaminate contempt contradict contradictory contrived corrode corrosion corrupt corrupted costly counterfeit counterintuitive counter-intuitive counterproductive cramp cramped cranky crash
crack craze crazy creak creaky creepy cringe cringeworthy cripple crisis critic criticism criticize critical crooked crowded crude cruel crumble crumbly crumpled crummy cumbersome curse cynical damage damp danger dangerous
dead deaf deafening deal-breaker dealbreaker death deceit deceive deceptive decay decline decrepit defect defective deficient deficiency deficit deform degrade degradation dehumanize dejected delay demean demoralize
dent deny denial dependent depress depressing deprive derelict derogatory despair desperate destroy destructive deteriorate deterioration deter detract detriment detrimental deviate difficult difficulty dilapidated dim
dingy dirt dirty disable disadvantage disagree disagreeable disappoint disappointed disappointing disappointment disapprove disbelief discard discolor discoloration discomfort disconcerting disconnect disconnection
discontent discontinue discourage discouraging discourteous disgruntle dishonest disillusion disinterested dislike dismal dismay dismissive disobey disorganized disorder disorient displease
dispute disregard disrepair disrespect disrespectful disrupt disruption disruptive dissatisfaction dissatisfied dissatisfy distasteful distort distortion distract distracting distraction distress distrust disturb disturbing dodgy
doom doubt doubtful downfall downgrade downside drab drafty drain draining drawback drawn-out dread dreary drip droop drop-out dropout drowsy drunk dubious dud dull dumb dump dupe dusty dust dysfunctional eerie eek
embarrass embarrassing embarrassment emergency endanger enrage erode erratic erroneous error evil exacerbate exaggerate exasperate excessive exclude excuse exhaust exhausting exhaustion exorbitant exploit expensive expose
extortion extortionate eyesore fade fail failing failure faint fake fallout false falter famished farce fatigue fatal fault faulty fear fearful feeble fiddly fidget fight finicky fishy flake flaky flaw flawed flicker flimsy flop fluctuate flunk foggy fool foolish
forbid forgettable forget forgetful fragile frail frantic freak freaky freeze freezing frenzy fret friction frighten frightening frown frustrate frustrated frustrating frustration fume fungus furious fury fuss fussy futile fuzzy
gaudy ghosting gimmick gimmicky glare glitch glitchy gloomy gouge grainy grate greasy greed greedy grief grievance grim grime grimy gripe grouchy grovel growl grubby grudge gruesome gruff grumble grumpy grungy guilt guilty gullible hair-pulling ham-handed
handicap harass harassment harm harmful harsh hassle hazard hazardous hazy headache heartbreaking heartbroken heavy-handed hectic hesitant hesitate hinder hindrance hiss hoax hog horror hostile hostility humid humiliate humiliating hurt hype hypocrite icky idiot idiotic
ignorant ignore ill illegal illegible illness illogical imbecile impair impatient impede imperfect impersonal impolite impossible impractical imprecise improper inaccessible inaccurate inaccuracy inadequate inappropriate incapable incoherent
incompatible incompetence incompetent incomplete incomprehensible inconsiderate inconsistent inconsistency inconvenience inconvenient incorrect indecisive indifferent inefficient ineffective inept inexperienced inferior infest infestation infested inflame inflated
inflexible infringe inhospitable injure injury injustice insane insecure insect insensitive insincere insipid instability insufficient insult insulting interfere interference intermittent interrupt interruption intimidate
intimidating intrude intrusive invalid irksome irrational irrelevant irresponsible irritable irritate irritating irritation itch itchy jagged jam jammed jarring jeopardize jerk jerky jitter jittery junky kill knock-off kludgy  lackadaisical lackluster lacklustre lag laggy
lament lame late laborious lazy leak leaky leakage letdown let-down liar lie lifeless limitation limited listless loathing long-winded loophole loose-fitting lopsided  loss lost loud-mouthed low-quality low-rent low-end lukewarm lumpy lurk mad malfunction malice malicious malign
manipulate manipulative mar meager mediocre mediocrity melt menace mess messy mildew misaligned misbehave miscalculate mischief misery misfit misfortune misfire mishandle mishap misinform misinformation mislead misleading mismanage mismatch misplace misprint misrepresent  mistake mistaken mistreat mistrust
misunderstand misunderstanding misuse moan mock mold moldy monotonous moody moron moronic mosquito mould mouldy muddle muddled muddy muffled murky mushy musty nag nagging naive nasty nausea nauseous needless needy neglect neglectful negligence negligent negative nerve-wracking nervous nitpick noise noisy nonexistent
nonsense non-responsive nosy nuisance numb objection obscure obsolete obstacle obstruct obtrusive odd oddity odor offend offensive ominous oppressive outage outdated overbearing overblown overcharge overcharged overcomplicated overcook overcooked overcrowded overdone overdue overheat overhyped overload overly overlook overpay overpower overpowering overpriced
overrate overrated overrun oversalted oversight oversized overstate overwhelm overwhelming pain painful pale panic paranoid peeve peculiar peel penalty pervert pessimistic pest petty phony picky pitiful pity pixelated plague poison poisonous pollute pollution pompous poor poorly pothole powerless precarious prejudice preposterous pretend pretentious pricey prickly primitive problem problematic procrastinate prohibit prohibitive prone punish
puny pushy puzzle puzzling quarrel queasy questionable quibble quirk quirky quit racism racist rage ragged rambling rash rattle rattling rebuff recall reckless redundant reek refund refuse refusal regret regretful regrettable regress reject relapse reluctant remorse repetitive
reprehensible resent resentment resign restrict restrictive restriction ridicule ridiculous rigid rigged rip risk risky rob robbed roach rowdy rude rudeness ruin runny rust rusty sabotage sad sadden sadly sag saggy sarcastic scald scalding scandal scar scarce scare scared scary scorch scold scrap scratch scratched
scratchy scream screech screw-up screwed screwy scuff scuffed scummy seedy selfish senseless severe shabby shady shaky shallow sham shame sharp-edged shatter shiver shoddy short-lived shortage shortcoming shriek shrink shun sick sickly silly skeptical sketchy skimp skimpy slam slap slippery sloppy slouch slow slow-moving sluggish smear smell smelly smudge smudgy snag sneaky snob
snobby snooty snore soggy sore sorrow sorry sour spam spew spill spite spiteful splinter spoil spoiled spoilt spotty squeak squeaky squeal squirm stagnant stain stained stale stall stammer startle starve steal stench stereotype stiff stifle stifling stingy stinky stolen stodgy strain strange stray stress stressful stringy struggle stubborn stuck stuffy stumble stunt
stupid stupidity stutter subpar sub-par substandard sucker sue suffer suffocate sulk sullen superficial superfluous surly susceptible suspect suspicious sweaty swear swelter tacky tainted tangle tarnish tasteless tease tedious tense terror terrify thankless thief thieves threat threaten throttle throwaway tire tired tiresome tiring torn torture torturous toxic tragedy tragic traumatic trap trauma tricky
trouble troublesome troubling ugh ugly unable unclear undercooked underdone underestimate undermine underpowered understaffed underwhelm underwhelming undesirable uneasy uneven unfortunate unfortunately unhappy unintelligible unnecessary unpleasant unresolved unravel unreadable unsafe unsettling unstable untidy unwanted upset upsetting vague vain
vandalize vex vicious victim violate violation violent virus vomit vulgar vulnerable wack warn warning warp warped washed-out waste wasted wasteful watery weak weakness weary weep weird whack whimper whine whiny wilt wimpy wobble wobbly woe wonky worn worn-out worry worrying worrisome worse worsen wound wreck wrestle wrinkle wrinkled wrong yawn yell zombie
beware hard hardship incorrectly cheaply flimsily bloat ineptitude malware spyware crashy unresponsive unresponsiveness drawbacks undersized overweight misfeature nonfunctional inoperable inop unplayable unreadable unwatchable unhelpful
underexposed overexposed washed-up jaggies flub botch botched butcher butchered shortchange shortchanged nickel-and-dime gouging stinks clunker disservice bane
`,
  weak: `
hole holes
average basic cautious challenge challenging concern concerned dated demanding despite dry generic grease 
meh nothing-special old-fashioned overpaid pressure proprietary replace replacement repair run-of-the-mill so-so
ordinary unremarkable unimpressive uninspired uninteresting unusual wear workaround mixed-bag issue issues lacking nitpicky downtime steep stiff-ish subdued tight narrow
retry reset reboot refurbish refurbished squint tolerate slog
`,
} as const;
