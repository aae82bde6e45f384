/** Nouns that are no feature of anything: times, people, quantities, events of buying, empty words. */
export const emptyNouns: ReadonlySet<string> = new Set(
  `kilogram kilograms gram grams litre litres liter liters metre metres kilometre kilometres kilometer kilometers fortnight monday tuesday wednesday thursday friday saturday sunday january february march april june july august september october november december right left ability buying result results subject super array amount 
  time times thing things day week month year hour minute second moment morning afternoon evening night today tomorrow yesterday weekend lot lots bit bunch ton tons couple pair one ones way ways review reviewer
  people person someone anyone everyone everybody somebody man woman men women guy guys friend wife husband kid kids son daughter child children family mom mother dad father brother sister boss coworker colleague neighbor
  reason reasons problem problems issue issues complaint complaints gripe drawback drawbacks downside downsides con cons pro pros flaw flaws plus minus advantage disadvantage disappointment limitation limitations
  fact case kind sort type part parts piece example instance order number numbers amount something anything nothing everything place stuff rest end start beginning middle top bottom side front back half
  money dollar dollars buck bucks cent cents euro pound penny purchase buy deal decision choice opinion experience expectation expectations thought thoughts idea idea's doubt question questions answer word words line
  inch inches mm cm foot feet mile miles meter meters kg lb lbs oz ounce percent degree degrees mb gb mp hz ms mah watt watts volt volts
  life-time world country city state area home house hand hands head eye eyes ear ears face body-part finger fingers pocket bag purse car trip vacation holiday birthday christmas
  store stores shop amazon ebay website site internet-site box month's years weeks days hours minutes level point points term terms list set chance luck hope love joy fun pleasure thanks note bottom-line
  user users owner owners customer customers buyer buyers consumer novice beginner expert professional amateur reader guest guests visitor visitors company companies manufacturer brand brands competitor competitors market
  use-case need needs want wants task job situation situations condition conditions circumstance difference sense matter mind attention care effort research look-see comparison regard regards respect term addition
  star stars rating ratings thumb thumbs score grade verdict conclusion summary overview total sum period era age generation version versions edition item items unit units lack lots plenty variety range host handful dozen hundred thousand million
  i me my mine you he she they it we us them this that these those who which what tad while ago yes no ok okay please gift present reason's anyone's someone's mistake mistakes trouble hassle nightmare joke waste shame pain mess disaster junk garbage crap failure success surprise miracle wonder dream marvel gem steal bargain charm breeze winner keeper must lemon toy beast`.split(
    /\s+/,
  ),
);

/** Nouns that are features of many kinds of thing; a sentence that praises or blames is read as being about them. */
export const aspectNouns: ReadonlySet<string> = new Set(
  `quality price cost value design look looks style appearance color colour size weight shape dimension build construction material finish durability reliability performance speed power sound audio noise volume bass treble
  mic microphone speaker speakerphone headset headphone earphone earpiece earbud cable cord charger adapter battery charge charging screen display resolution brightness picture image photo video camera lens zoom flash focus viewfinder lcd
  button key keypad keyboard trackpad touchpad mouse menu interface control controls dial switch knob lever remote software firmware app application program driver update feature features function functionality option options setting settings mode modes
  manual documentation instruction instructions support service warranty delivery shipping packaging package setup installation assembly connection connectivity bluetooth wifi wi-fi usb port network signal reception coverage range memory storage card disk drive capacity
  processor cpu gpu graphics ram fan hinge case cover strap band fit comfort cushion pad padding headband grip handle feel ergonomics portability compatibility ringtone tone ring call calls radio game games browser internet email message messaging voice dialing phonebook calendar
  food meal dish menu portion taste flavor flavour texture sauce soup salad steak fish chicken pasta pizza bread dessert cake coffee tea wine beer drink cocktail appetizer starter breakfast lunch dinner brunch buffet dessert ingredient waiter waitress server staff chef bartender host manager receptionist reception
  atmosphere ambience ambiance decor music lighting seating table parking location view room bed mattress pillow bathroom shower towel lobby pool gym spa balcony elevator lift corridor cleanliness housekeeping check-in checkout wall window carpet heating air-conditioning ac temperature
  plot story character acting cast ending pace writing dialogue soundtrack chapter graphics gameplay level lesson course content price-tag onboarding dashboard api documentation uptime latency integration search report reports billing pricing subscription trial login sync export
  use picture-quality sound-quality image-quality battery-life build-quality engine brake tire seat mileage steering suspension transmission trunk suction filter blade motor cord bin dust hose attachment fabric sleeve waist zipper sole heel size sizing stitching scent smell skin formula
  player disc format dvd cd mp3 playlist song track library transfer earbuds router modem setup-wizard wizard antenna firewall page print printer ink paper scanner toner photo light color white-balance exposure aperture shutter autofocus megapixel noise-reduction delay lag`.split(
    /\s+/,
  ),
);

/** What an adjective says something about when its sentence names no feature. */
export const impliedAspects: Readonly<Record<string, string>> = {
  expensive: "price",
  cheap: "price",
  pricey: "price",
  costly: "price",
  overpriced: "price",
  affordable: "price",
  inexpensive: "price",
  small: "size",
  tiny: "size",
  compact: "size",
  bulky: "size",
  large: "size",
  big: "size",
  huge: "size",
  smaller: "size",
  bigger: "size",
  oversized: "size",
  heavy: "weight",
  light: "weight",
  lightweight: "weight",
  "light-weight": "weight",
  weighty: "weight",
  heavier: "weight",
  lighter: "weight",
  beautiful: "look",
  attractive: "look",
  sleek: "look",
  stylish: "look",
  ugly: "look",
  gorgeous: "look",
  handsome: "look",
  elegant: "design",
  ergonomic: "design",
  comfortable: "comfort",
  uncomfortable: "comfort",
  comfy: "comfort",
  loud: "noise",
  quiet: "noise",
  noisy: "noise",
  fast: "speed",
  slow: "speed",
  quick: "speed",
  sluggish: "speed",
  laggy: "speed",
  sturdy: "build",
  flimsy: "build",
  durable: "durability",
  fragile: "durability",
  "well-built": "build",
  "well-made": "build",
  reliable: "reliability",
  unreliable: "reliability",
  delicious: "taste",
  tasty: "taste",
  bland: "taste",
  yummy: "taste",
  dirty: "cleanliness",
  clean: "cleanliness",
  filthy: "cleanliness",
  spotless: "cleanliness",
};
