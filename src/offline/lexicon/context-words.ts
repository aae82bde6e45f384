/**
 * Adjectives whose sign depends on the noun they describe. Each line: the adjectives, `:` the default score, then
 * `+`/`-` groups of nouns. Written for this project from general English.
 */
export const contextWords = `
long longer longest: 0 + life lifetime battery warranty range reach charge lasting endurance hours cord cable zoom playtime guarantee - delay lag time wait queue line lines load boot startup start-up loading pause process drive shutter minutes waits ticket story flight layover learning
short shorter shortest: 0 + wait delay walk distance learning - life battery cord cable range supply lifespan charge hose
high higher highest: 0 + quality resolution speed definition performance rating standard standards marks capacity contrast grade durability score ceilings ceiling zoom megapixel score yield - price prices cost costs noise fee fees pitch humidity temperature rent tax bill rates maintenance consumption latency
low lower lowest: 0 + price prices cost costs noise weight consumption latency maintenance power fee fees rate rates profile - quality volume resolution rating sound capacity battery light memory speed pressure standard standards brightness signal
small smaller smallest tiny compact petite mini pocket-sized: 0.5 + size footprint phone camera device package body design laptop unit player form enough - screen display button buttons key keys keyboard room rooms portion portions print font text viewfinder memory bathroom bed lcd storage selection dial icons letters opening port space menu lobby pool parking closet elevator
big bigger biggest large larger largest huge: 0.5 + screen display room rooms portion portions memory selection capacity bed storage keys buttons pool windows tv viewfinder variety improvement help plus sound lcd fan balcony bathroom space - file bulky size weight hands noise bill price gap delay box minus crowd difference
light lighter lightest lightweight light-weight: 1
heavy heavier heaviest hefty weighty: -1 + duty
thin thinner: 0 + design profile laptop phone body bezel bezels - wall walls mattress towels blanket plastic sheets pillow soup sauce sound paper
thick thicker: 0 - accent + cable walls towels
fast faster fastest quick quicker quickest speedy swift rapid: 1.5 - drain drains discharge
slow slower slowest: -2 + cooker motion cooked
loud louder loudest: -1 + speaker speakers volume ring ringer ringtone sound clear enough alarm bass speakerphone - fan fans noise neighbors neighbours music click motor room rooms street air engine traffic keys shutter
cold colder: -1.5 + beer drink drinks water ac air beverage - food room coffee soup meal fries
hot hotter: -0.5 + water food coffee tub chocolate shower meal breakfast sauce - device laptop room phone case surface runs gets
cheap cheaper cheapest inexpensive: 1 - plastic feel look material materials build construction case parts knock-off imitation quality toy design fabric wood
expensive pricey costly dear: -2
hard harder hardest: -1 + rock - use
easy easier easiest simple simpler: 2 + use
firm: 0.5 - denial
dark darker darkest: -1 + chocolate mode theme beer
sharp sharper sharpest: 2 - edges edge corner corners pain smell
bright brighter brightest: 2 - glare
quiet quieter silent: 1.5 - volume ring ringer ringtone speaker speakerphone sound level earpiece alarm call calls
deep rich full: 0.5 + bass sound flavor flavour color colors colour
tight tighter: -0.5 + grip seal fit bass construction
loose looser: -1.5
soft softer: 0.5 + bed pillow pillows towels material fabric leather keys - picture image images photo pictures focus
dry: -1.5 + wit humor humour wine
old older: -0.5
cool cooler: 1
warm warmer: 1 - phone laptop device case beer battery
hot-spot: -1
rough: -1.5
raw: 0
basic: -0.5
limited: -1.5
extra additional: 0.3
free: 0.5
full-featured fully-featured: 2
empty: -0.5
open: 0
strong stronger: 2 - smell odor odour accent
weak weaker: -2
steep: -1.5
sensitive: 0 + touch screen microphone
unpredictable: -2
surprising surprisingly: 0.5
different: 0
complex: -1
mixed: -0.5
missing: -1.5
busy: -0.5
fine: 1
sweet: 1.5
superior: 3
inferior: -2
constant: -0.5
extensive: 1
detailed: 1
wide wider: 0.5 + range selection variety choice angle
close: 0.5 - call
near nearby central convenient: 1
noisy noisier: -2
stale: -2
wet: -0.5
sticky: -1.5
oily: -1.5
salty: -1.5
bland: -2
spicy: 0.3
crispy crunchy tender juicy: 2
smooth smoother: 2
tough tougher: -0.5 + fabric material shell case leather construction build frame glass canvas cover feel feels
plastic plasticky: -0.5 - body construction case casing housing button buttons feel door cover
`;
