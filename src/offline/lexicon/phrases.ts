/**
 * Phrases whose opinion is not the sum of their words. Each line: a score, then phrases parted by `;`. `|` parts
 * alternatives for one word, `*` stands for any one word, `~` for up to three. Words are compared with a token's text
 * and with its dictionary form, so "work like a charm" finds "worked like a charm". Score 0 takes the words' own
 * opinion away. Where two phrases begin at one token the longer wins. Written for this project from general English.
 */
export const phrases = `
3 work like a charm; work like a dream; like a dream; work flawlessly; worth every penny|cent|dollar|pound|euro
3 worth the money|price|cost|investment|wait|trip|drive|visit|effort|extra|upgrade; second to none; can|could not go wrong
3 can|could not be happier|better; could not ask for more|better; can not say enough; can|could not live without; can|could not complain
3 can|could not beat; could not put it|this down; bang for the|your buck; bang for my buck; a must; a must have; a steal; value for money
3 top of the line; state of the art; head|heads and shoulder|shoulders above; nothing short of; far superior; ahead of; knock ~ socks off; blow ~ away
3 to die for; not think there is a better; not buy it|one|them sooner|earlier|before; not buying it|one|them sooner|earlier|before; not think there 's a better; not think there are better
2 pain|ache|headache|noise|smell|itch|problem|issue|stain|stains is|are|was gone
3 hit the spot; go above|out and|of beyond; above and beyond; went|go out of their|his|her way; thumb|thumbs up; highest quality; in awe; work of art
3 works of art; could not have asked for; could not ask for; not ~ give ~ up for; not trade; can not recommend ~ enough|highly
2 worth it; worth a visit|look|try|read|watch; well worth; can|could not wait; can|could not fault; hard|tough to beat; not to like
2 great|good|best value|buy|deal|bargain|bet|choice; miles|light-years ahead; out of this world; so far so good; so far , so good; stand|stands up to
2 stands|stood the test of time; hold|holds up; stand behind; exactly|just what i|we want|need|expect|look; just right; just fine; about right
2 all the bells; bell|bells and whistle|whistles; pack a punch; packed|loaded|filled with feature|features; no brainer; no-brainer
2 no complaint|complaints|problem|problems|issue|issues|trouble|troubles|regret|regrets|hassle|flaw|flaws|worry|worries|downside|fuss|glitch|glitches
2 no ~ complaint|complaints|problem|problems|issue|issues|regret|regrets|glitch|glitches|downside|defect|defects
2 without ~ problem|problems|issue|issues|trouble|hassle|hitch|fuss|hiccup|complaint; without a hitch; not ~ problem|problems|issue|issues
2 never|not have|had|has ~ problem|problems|trouble|issue|issues; not ~ any|a|single problem|problems|issue|issues|complaint|complaints
2 nothing ~ complain about; problem|trouble|hassle free; day and night difference; huge|big|great improvement; in a class of its|their own; of the best
2 like nothing else; like no other; huge|big|great|real|nice step up; step up from; one of a kind; easy on the eye|eyes; high quality; top quality; good quality; quality product|item|build|construction|material|materials
2 blazing|lightning|super fast; easy to use; ease of use; live|lives|lived up to; meet|exceed|surpass ~ expectation|expectations|need|needs
2 fall in love; fell in love; in love; made my day; made my|our stay|trip|night; feel at home; like new; home run; come in handy; go|goes a long way
2 save|saves|saved time|money; save|saves|saved me|us|you|a|lots ~ time|money; saves the day; fit like a glove; fits perfectly; keep|keeps up with; a lot of fun; win|won ~ over; built to last
2 built like a tank; rock solid; as advertised|described|promised|expected; as good as any|new|it; just as good
2 better than expected|ever|most|any|anything|others; better than i|we ~ expected|thought|hoped
2 would|will buy|order|purchase|stay|eat|return|come|go|shop|use|choose|visit ~ again; will|would be back; coming|come|came back for more
2 pleasant surprise; pleasantly surprised; get|gets|got the job done; does|do|did the|its job|trick; on the plus side; do not regret; never regret
2 not regret; would not hesitate; not hesitate; do not hesitate; will not be|regret disappointed|it; not|never be|been disappointed
2 not|never disappoint; not|never let ~ down; do not have to worry; no need to; not need to; give it a try; plenty of
2 wide|great|good range|selection|variety of; all the feature|features; everything i|you|we need|needed|want|wanted|could; everything ~ need|could want
2 lasts|last|lasted forever|all; last|lasts|lasted ~ long|longer; last|lasts a long time; light weight; a breeze; a snap; a cinch; a charm; a joy
2 a blast; a dream; a winner; a keeper; a plus; a bonus; a beauty; a gem; a hit; a bargain; clear|clean as a|day bell|night; crystal clear
2 loud and clear; razor sharp; low noise|price|prices|cost|weight|maintenance|latency; take|takes my breath away; you get what you pay for
2 five star|stars; 5 star|stars; 4 star|stars; 10 / 10; thank god|goodness; not a single complaint|problem|issue; nothing but good|great|praise|praises
2 puts ~ to shame; most bang; the little touches; on time; ahead of schedule; melt|melts|melted in your|my|the mouth; cooked to perfection; done right
2 a cut above; raise|raises|raised the bar; never fail|fails|failed to; better ~ than most|any|anything|other|others|ever
2 better than most|any|anything|other|others|ever; took|takes|take less than; took|takes|take only|just; up and running; in no time
2 everything|anything|whatever i throw|threw|thrown|have; do|does exactly|precisely what; going strong; true to size; will|would ~ back|again|return
2 will|would definitely|certainly|gladly|happily|absolutely return|recommend; can|could hear every; paid for itself; lives|living up to
2 does not disappoint; no hidden; no extra charge|cost|fee|fees; stood|stand|stands out; fight|fights over it|them|this
2 hard|difficult to find ~ fault|wrong|better; hard|difficult to fault|criticise|criticize; no question|questions asked
2 can|could hardly|not be better|happier|easier|nicer|more; only regret ~ sooner|earlier|before; only regret is not; made|makes|make up for
2 hooked from; in a heartbeat; without a scratch|single|doubt|problem; everything|all we|i need|needed; for free
2 save|saved|saves the evening|day|night|meal|trip; the best
1.5 in seconds|minutes; within seconds|minutes|hours; everything|anything|whatever i have throw|threw|thrown; keep|keeps|kept going
1.5 still work|works|working|going|looks|fits|runs|feels; bought|buy|ordered|ordering|getting ~ second|another one|pair|set|for; bought|ordered a second
1.5 half the price|cost; twice|double the feature|features|quality|value|performance; pay for itself; just like new; set it|and and|forget forget|it
1.5 what is|'s not to; no wait|line|lines|queue|queues|strings|contract|contracts|charge|fees; no more; grow|grew|grows on me|you
1.5 once you get used to it; use ~ every day; use ~ every single day; even my grandmother|grandma|mother|mom|mum|dad|father|kids|grandfather
1.5 in|under under|less an|one|two|half hour|hours|a|an; one of the few; better than average; above average
1 no longer ~ problem|worry|issue; as good as; buy another; get another; not bad; not ~ bad; do not mind; do not have to
1 lot|lots of option|options|choice|choices|room|space|storage; user friendly; feel|feels solid|sturdy|premium|substantial
1 high resolution|definition|speed|capacity; fair price; look|looks|looking forward; first class; no wonder; sure beats; nothing beats
1 cool thing|factor|feature|features; spot on; not take ~ long; not take long; no other; no end to; for the price|money; i am happy to
0 lucky to be alive; only downside|complaint|gripe is that; only thing i could complain about; think|thought|feared|expected it would|will break|fail|leak; lost suitcase|luggage|bag|bags|key|keys|property|parcel; no difference; used to; free of charge; out of the box; right out of the box; kind of; sort of; as well; as well as; good|great deal of
0 a good|great many; at least; the most; no matter; thank you for; customer|technical|tech support|service; support team|staff|line|desk; help desk
0 power button|supply|cord|cable|adapter|brick|bank|switch|source; hit the button|key; trial and error; error message|messages
0 noise level|reduction|cancellation|cancelling; stress test; crash test; mind you; to be fair|honest; be fair|honest; a while; happy hour; fast food
0 fresh water; pretty much; like|love to know; free time; hard drive|disk|copy|case|shell|cover|button|hat|rock|wood|wire|boiled
0 sweet potato|spot|corn|tooth; light switch|bulb|source; warm up; cool down|off; well as; alarm clock; flash light; trash can|bag|bin; fire alarm
0 good morning|afternoon|evening|night; best buy|western; positive|negative side|review|reviews|comment|comments; bad review|reviews
0 good|great review|reviews; fun fact; problem solving; long term; break even; waste basket|bin; clean up; happy to say|report; sorry to hear|say
0 afraid of the; low light; red eye; white noise; wind noise; quality control; cost of living; living cost
-1 half the time; raise|raises|raised|increase|increases|rising cost|costs|price|prices|fees; some|a getting used to
-1 only work|works with|through|on|if|when; would ~ prefer; would have prefer|preferred|like|liked; better ~ than this; no ~ way to; at times
-1 not as * or; be careful; more than it|i should|would
-1.5 twice|double|triple the price|cost; half the feature|features|time|size|battery; you would|'d|might think|expect; nothing more; nothing but
-1.5 nobody|no one offered|came|helped|cared|answered|apologized|apologised|asked|noticed|told
1.5 answer|answers|answered|replied|replies|responded|responds|arrived|arrives within|in
-2 see|hear|get ~ nothing; not at all
2 without hesitation|reservation|reservations; yes , without
0 heavy load|loads|bag|use|rain|traffic; in spite of; hole punch; drill hole|holes
0 power|light|oil|button snap; fairly
-2 not up to; hung up on|me; went|goes|gone|turned|turns black|blank|dead|dark|wrong|south|missing|out
-2 ended|end|wound up buy|buying|return|returning|switch|switching|get|getting|send|sending|replace|replacing|throw|throwing|pay|paying|use|using
-2 i|we really ~ wanted to like|love; wanted to like|love; high hope|hopes; expected|expect more|better; hoping|hoped for more|better|something
-2 only lasts|lasted|last|holds|gets; doorstop; paperweight; mind of its own; log|logs|logged|kick|kicks|lock|locks|locked me|you|us out
-2 come|comes|came|fall|falls|fell|break|breaks|broke|snap|snapped|peel|peels|peeled off
-2 delete|deleted|erase|erased|wipe|wiped|lost|loses|corrupt|corrupted ~ my|all|our; dig|digs|dug into; run|runs|ran ~ small|large|big|tight|narrow
-2 run|runs ~ hot|warm; on my|our second|third|fourth|fifth; good luck get|getting|find|finding|try|trying|reach|reaching|with
-2 just what i|we need|needed : a|another; oh great|good|joy|wonderful|nice|yay; thanks a lot for|,; thank|thanks for ~ me|us; yeah right
-2 yeah , right|because|sure; who needs; took ~ day|days|week|weeks|month|months|hour|hours|forever|ages; take|takes|took too long|forever
-2 twice as long; hidden fee|fees|cost|costs|charge|charges; might as well; do not|n't work; half of the|them|these; can|could barely|hardly
-2 had to buy|pay|unplug|restart|reinstall|send|throw|use; get|gets|got|getting stuck|worse|old|lost|scratched|dirty|annoying|boring|tiring|cut
-2 not what they|it|was|is; get|gets what i|you not; could not get past|into|through; can not get it|past|any
-2 threw|throw|throwing it|them|this away|out; in the trash|garbage|bin|drawer; not even; piss|pissed off; out of business; by far the worst
-2 at your own risk; no longer work|works|charges|turns|holds|fits|available|supported; stay|stays|stayed on hold
-2 no support|help|manual|instructions|documentation|way|option; a far cry from; leaves something; not live|lives|lived up; too little
-2 corner|corners cut; cut corner|corners; poor excuse; bait and switch; a chore; went|goes|gone|fell silent|quiet|dim|flat|bad|off
-2 took|takes ~ call|calls|attempt|attempts|try|tries|visit|visits|email|emails before|to; charged ~ twice; out of service|action|commission
-2 like cardboard|rubber|sawdust|dishwater|plastic|chemicals|soap|nothing|garbage|toy; roll|rolled his|her|their eye|eyes; sit|sits there
-2 never ~ refunded|refund|replied|reply|answered|answer|responded|respond|arrived|arrive|came|called|received|delivered|credited
-2 not understand|get the hype; think|thought twice; expected|expect ~ more|better; hair|bug|fly|insect|mold|mould|cockroach in|on|inside
-2 price|prices went|go|gone|keep up; shrunk; feel|feels|felt rushed|cramped|dated|old|tired; broken english; hear every word ~ from|next|through
-2 thin|paper thin; out of control; love|like|enjoy how|when ~ forget|forgets|crash|crashes|break|breaks|fail|fails|stop|stops|lose|loses|drop|drops|igno
-2 re|ignores|freeze|freezes|die|dies|refuse|refuses; took|takes ~ minute|minutes|mins to; hardly|barely worth; fall|fell short
-2 break|breaks|broke|breaking down|off; stop|stopped|stops|quit|quits|cease|ceased work|working|responding|charging|function|functioning
-2 shut|shuts|turns|turned|switches itself off; shut|shuts down; run|runs|ran out; wear|wears|wore|worn out|off; fail|failed|fails to
-2 leave|leaves|left a|much|lot|something ~ desired; leave|leaves|left much|something|a to|lot be|to desired|be
-2 send|sent|sending|ship|shipped|mailed|take|took|taking|bring|brought|gave|give it|them|this|mine back; return|returned|returning it|them|this|mine
-2 had to return|replace|send|exchange|call|restart|reboot|wait|reset; get|got|want|wanted ~ money back; my|your|our money back
-2 give|gave|gives|giving up; fed up; let|lets ~ down; nothing but trouble|problem|problems; thumb|thumbs down; hit or miss; hit-or-miss; hit and miss
-2 touch and go; a pain; pain in; get|gets|got in the way; hard|tough time; long time to; hard|difficult|tricky|impossible|tough|awkward to
-2 not easy|simple to; take|takes|took forever|ages; take|takes|took ~ while|getting; getting used to; too bad; a shame; a joke; a bummer; a letdown
-1 only|minor|small|one gripe|complaint|quibble|nitpick|niggle
-3 catch|catches|caught fire; burst|bursts into flames; electric shock; never buy
-2 burning plastic; food poisoning; fog|fogged|fogs up; hair in my|the|our; no paper; is|was|were raw
-2 canned answer|answers|response|responses|reply|replies; hung|hang|hangs up on; fall|falls|fell out; a mess; a must to avoid; not impressed|happy|satisfied|pleased|good|great; nothing special|fancy; nothing to write home about
-2 could be better|improved|bit|louder|longer|brighter|faster|larger|bigger|smaller|easier|clearer|more|stronger|cleaner|friendlier
-2 room for improvement
-2 only complaint|gripe|problem|drawback|downside|issue|negative|con|flaw|quibble|disappointment|caveat|concern|fault|weakness|shortcoming|limitation
-2 only bad|negative|weak thing|point|side|part|aspect; only thing ~ wrong|missing|dislike|dislike|hate|wish|lacking|bad|annoying|negative
-2 call|calls|connection|signal ~ drop|drops|dropped; below average
-2 only ~ complaint|gripe|problem|drawback|downside|issue|negative|con|flaw|disappointment
-2 one complaint|gripe|problem|drawback|downside|issue|negative|con|flaw|quibble|caveat; would|will be|have nice|been|helpful|great if|nice|better
-2 would ~ nice|better|helpful|useful if|to; would be nice|helpful|better|great; would prefer; there are better; better off
-2 lack|lacks|lacked|lacking of|in; no way to; for no reason; down the drain; false advertising; dead on arrival; doa; cuts|cut|cutting out|corners|off
-2 drops|dropped|dropping call|calls; out of order|focus|stock
-2 cheap|cheaply plastic|plasticky|made|feel|feeling|looking|look|built|construction|material|materials
-2 feel|feels|felt|look|looks|looked|seem|seems|sound|sounds cheap|flimsy|tinny|outdated|dated
-2 low|poor quality|build|resolution|battery|reception|volume; high price|prices|pitched|cost|costs|maintenance|noise; cost|costs an|a arm|fortune
-2 arm and a leg; overly ~ complicated; at best; buyer beware; be warned; not what i|we|it|was; nothing like; far from; anything but
-2 bad|wrong|poor choice|idea|decision; not the best|greatest|easiest|most|fastest|brightest|sharpest; not my favorite|favourite; not a fan; not as * as
-2 not so good|great|much; not make sense; make|makes no sense; no sense; beyond me; back and forth; turn|turned|turns me|us off
-2 turn|turned out to be a|an; never work|worked|works; not work|function|turn|open|close|fit|charge|connect|recognize|read|start|hold|stay
-2 no idea how|why; no response|reply|answer|help|apology|refund; still waiting; on hold; burn|burned|burnt out
-2 lock|locks|locked|freezes|freeze|froze|frozen up; crap out; mess|messed|screw|screwed up; act|acts|acted|acting up
-2 dies|died|die|dying after|within|on|quickly|fast; drain|drains|drained quickly|fast|the|battery; one star|stars; 1 star|stars; 2 star|stars
-2 zero star|stars; two star|stars; 0 star|stars; bit much; not hold|last; short lived; down side; on the down|negative side; deal breaker
-2 rude|slow|poor service; watch out; so much for; thin wall|walls; dead pixel|pixels; loose fit|fitting; bad taste; red flag; out of touch|date|luck
-2 sick|tired of; wrong with; kept|keep|keeps|keeping losing|dropping|crashing|freezing|failing|falling|asking|telling|turning|cutting|slipping
-2 waited|waiting|wait ~ minute|minutes|hour|hours|day|days|week|weeks|month|months
-3 avoid this|it|at|them|like|these; great|good|nice|expensive|fancy paperweight|doorstop|brick; thank|thanks for nothing; the worst
-3 piece of crap|junk|garbage|trash|rubbish|shit; waste of money|time|space|effort|cash|paper; waste your|my|our|of money|time; not waste your
-3 save your money|time|self; rip|rips|ripped off; not worth; is not worth; stay|steer|keep|run|walk away|clear; stay far away
-3 look|go|shop|eat elsewhere; do not buy|bother|order|purchase|get|recommend|go|stay|eat; would|could|can|do|will|not not|never|longer recommend
-3 can not recommend; never again; never ~ again; will|would not|never ~ again|back; fall|falls|fell|falling|came|come apart; biggest|worst mistake
`;
