/**
 * Phrases whose opinion is not the sum of their words, one a line: score, then the phrase. `|` parts alternatives inside
 * a word, `*` stands for any one word, `~` for up to three. Words are compared with a token's text and with its
 * dictionary form, so "work like a charm" finds "worked like a charm". Score 0 takes the words' own opinion away.
 */
export const phrases = `
3 work like a charm
3 work like a dream
3 like a dream
3 work flawlessly
3 worth every penny|cent|dollar|pound|euro
3 worth the money|price|cost|investment|wait|trip|drive|visit|effort|extra|upgrade
2 worth it
2 worth a visit|look|try|read|watch
2 well worth
3 second to none
3 can|could not go wrong
3 can|could not be happier|better
3 could not ask for more|better
3 can not say enough
3 can|could not live without
3 can|could not complain
2 can|could not wait
2 can|could not fault
3 can|could not beat
2 hard|tough to beat
2 not to like
3 could not put it|this down
3 bang for the|your buck
3 bang for my buck
3 a must
3 a must have
3 a steal
2 great|good|best value|buy|deal|bargain|bet|choice
3 value for money
3 top of the line
3 state of the art
3 head|heads and shoulder|shoulders above
3 nothing short of
3 far superior
3 ahead of
2 miles|light-years ahead
3 knock ~ socks off
3 blow ~ away
3 hit the spot
3 go above|out and|of beyond
3 above and beyond
3 went|go out of their|his|her way
2 out of this world
3 thumb|thumbs up
2 so far so good
2 so far , so good
2 stand|stands up to
2 stands|stood the test of time
2 hold|holds up
2 stand behind
2 exactly|just what i|we want|need|expect|look
2 just right
2 just fine
2 about right
2 all the bells
2 bell|bells and whistle|whistles
2 pack a punch
2 packed|loaded|filled with feature|features
2 no brainer
2 no-brainer
2 no complaint|complaints|problem|problems|issue|issues|trouble|troubles|regret|regrets|hassle|flaw|flaws|worry|worries|downside|fuss|glitch|glitches
2 no ~ complaint|complaints|problem|problems|issue|issues|regret|regrets|glitch|glitches|downside|defect|defects
2 without ~ problem|problems|issue|issues|trouble|hassle|hitch|fuss|hiccup|complaint
2 without a hitch
2 not ~ problem|problems|issue|issues
2 never|not have|had|has ~ problem|problems|trouble|issue|issues
2 not ~ any|a|single problem|problems|issue|issues|complaint|complaints
2 nothing ~ complain about
2 problem|trouble|hassle free
1 no longer ~ problem|worry|issue
2 day and night difference
2 huge|big|great improvement
2 in a class of its|their own
2 of the best
2 one of a kind
2 easy on the eye|eyes
2 high quality
3 highest quality
2 top quality
2 good quality
2 quality product|item|build|construction|material|materials
2 blazing|lightning|super fast
2 easy to use
2 ease of use
2 live|lives|lived up to
2 meet|exceed|surpass ~ expectation|expectations|need|needs
2 fall in love
2 fell in love
2 in love
2 made my day
2 made my|our stay|trip|night
2 feel at home
2 like new
2 home run
2 come in handy
2 go|goes a long way
2 save|saves|saved ~ time|money
2 saves the day
2 fit like a glove
2 fits perfectly
2 keep|keeps up with
2 a lot of fun
2 win|won ~ over
2 built to last
2 built like a tank
2 rock solid
2 as advertised|described|promised|expected
1 as good as
2 as good as any|new|it
2 just as good
2 better than expected|ever|most|any|anything|others
2 better than i|we ~ expected|thought|hoped
2 would|will buy|order|purchase|stay|eat|return|come|go|shop|use|choose|visit ~ again
2 will|would be back
1 buy another
1 get another
2 coming|come|came back for more
2 pleasant surprise
2 pleasantly surprised
2 get|gets|got the job done
2 does|do|did the|its job|trick
2 on the plus side
1 not bad
1 not ~ bad
2 do not regret
2 never regret
2 not regret
2 would not hesitate
2 not hesitate
2 do not hesitate
2 will not be|regret disappointed|it
2 not|never be|been disappointed
2 not|never disappoint
2 not|never let ~ down
1 do not mind
2 do not have to worry
1 do not have to
2 no need to
2 not need to
2 give it a try
1 lot|lots of option|options|choice|choices|room|space|storage
2 plenty of
2 wide|great|good range|selection|variety of
2 all the feature|features
2 everything i|you|we need|needed|want|wanted|could
2 everything ~ need|could want
2 lasts|last|lasted forever|all
2 last|lasts|lasted ~ long|longer
2 last|lasts a long time
2 light weight
2 a breeze
2 a snap
2 a cinch
2 a charm
2 a joy
2 a blast
2 a dream
2 a winner
2 a keeper
2 a plus
2 a bonus
2 a beauty
2 a gem
2 a hit
2 a bargain
1 user friendly
1 feel|feels solid|sturdy|premium|substantial
2 clear|clean as a|day bell|night
2 crystal clear
2 loud and clear
2 razor sharp
2 low noise|price|prices|cost|weight|maintenance|latency
1 high resolution|definition|speed|capacity
2 take|takes my breath away
2 you get what you pay for
1 fair price
2 five star|stars
2 5 star|stars
2 4 star|stars
2 10 / 10
2 thank god|goodness
1 look|looks|looking forward
1 first class
1 no wonder
2 not a single complaint|problem|issue
2 nothing but good|great|praise|praises
1 sure beats
1 nothing beats
2 puts ~ to shame
2 most bang
1 cool thing|factor|feature|features
2 the little touches
2 on time
2 ahead of schedule
2 melt|melts|melted in your|my|the mouth
2 cooked to perfection
2 done right
1 spot on
2 a cut above
2 raise|raises|raised the bar
3 in awe
3 work of art
3 works of art
3 could not have asked for
3 could not ask for
3 not ~ give ~ up for
3 not trade
2 never fail|fails|failed to
2 better ~ than most|any|anything|other|others|ever
2 better than most|any|anything|other|others|ever
1 not take ~ long
1 not take long
0 no difference
-3 avoid this|it|at|them|like|these
-2 not up to
2 took|takes|take less than
2 took|takes|take only|just
2 up and running
1.5 in seconds|minutes
1.5 within seconds|minutes|hours
2 in no time
2 everything|anything|whatever i throw|threw|thrown|have
1.5 everything|anything|whatever i have throw|threw|thrown
2 do|does exactly|precisely what
2 going strong
1.5 keep|keeps|kept going
1.5 still work|works|working|going|looks|fits|runs|feels
2 true to size
1.5 bought|buy|ordered|ordering|getting ~ second|another one|pair|set|for
1.5 bought|ordered a second
1.5 half the price|cost
1.5 twice|double the feature|features|quality|value|performance
2 will|would ~ back|again|return
2 will|would definitely|certainly|gladly|happily|absolutely return|recommend
2 can|could hear every
1.5 pay for itself
2 paid for itself
1.5 just like new
2 lives|living up to
2 does not disappoint
1.5 set it|and and|forget forget|it
1.5 what is|'s not to
2 no hidden
2 no extra charge|cost|fee|fees
1.5 no wait|line|lines|queue|queues|strings|contract|contracts|charge|fees
1.5 no more
2 stood|stand|stands out
1.5 grow|grew|grows on me|you
1.5 once you get used to it
-2 hung up on|me
-2 went|goes|gone|turned|turns black|blank|dead|dark|wrong|south|missing|out
-2 ended|end|wound up buy|buying|return|returning|switch|switching|get|getting|send|sending|replace|replacing|throw|throwing|pay|paying|use|using
-2 i|we really ~ wanted to like|love
-2 wanted to like|love
-2 high hope|hopes
-2 expected|expect more|better
-2 hoping|hoped for more|better|something
-2 only lasts|lasted|last|holds|gets
-2 doorstop
-2 paperweight
-3 great|good|nice|expensive|fancy paperweight|doorstop|brick
-2 mind of its own
-2 log|logs|logged|kick|kicks|lock|locks|locked me|you|us out
-2 come|comes|came|fall|falls|fell|break|breaks|broke|snap|snapped|peel|peels|peeled off
-2 delete|deleted|erase|erased|wipe|wiped|lost|loses|corrupt|corrupted ~ my|all|our
-2 dig|digs|dug into
-2 run|runs|ran ~ small|large|big|tight|narrow
-2 run|runs ~ hot|warm
-2 on my|our second|third|fourth|fifth
-1.5 twice|double|triple the price|cost
-1.5 half the feature|features|time|size|battery
-2 good luck get|getting|find|finding|try|trying|reach|reaching|with
-2 just what i|we need|needed : a|another
-2 oh great|good|joy|wonderful|nice|yay
-2 thanks a lot for|,
-3 thank|thanks for nothing
-2 thank|thanks for ~ me|us
-2 yeah right
-2 yeah , right|because|sure
-2 who needs
-1.5 you would|'d|might think|expect
-1.5 nothing more
-2 took ~ day|days|week|weeks|month|months|hour|hours|forever|ages
-2 take|takes|took too long|forever
-2 twice as long
-2 hidden fee|fees|cost|costs|charge|charges
-2 might as well
-2 do not|n't work
-2 half of the|them|these
-1 half the time
-2 can|could barely|hardly
-2 had to buy|pay|unplug|restart|reinstall|send|throw|use
-2 get|gets|got|getting stuck|worse|old|lost|scratched|dirty|annoying|boring|tiring|cut
-2 not what they|it|was|is
-2 get|gets what i|you not
-2 could not get past|into|through
-2 can not get it|past|any
-2 threw|throw|throwing it|them|this away|out
-2 in the trash|garbage|bin|drawer
-2 not even
-1.5 nothing but
-2 piss|pissed off
-2 out of business
-2 by far the worst
-3 the worst
-2 at your own risk
-2 no longer work|works|charges|turns|holds|fits|available|supported
-2 stay|stays|stayed on hold
-2 no support|help|manual|instructions|documentation|way|option
-2 a far cry from
-2 leaves something
-2 not live|lives|lived up
-2 too little
-2 corner|corners cut
-2 cut corner|corners
-2 poor excuse
-2 bait and switch
-2 a chore
2 fight|fights over it|them|this
1.5 use ~ every day
1.5 use ~ every single day
2 hard|difficult to find ~ fault|wrong|better
2 hard|difficult to fault|criticise|criticize
2 no question|questions asked
2 can|could hardly|not be better|happier|easier|nicer|more
3 can not recommend ~ enough|highly
2 only regret ~ sooner|earlier|before
2 only regret is not
2 made|makes|make up for
1.5 even my grandmother|grandma|mother|mom|mum|dad|father|kids|grandfather
2 hooked from
1.5 in|under under|less an|one|two|half hour|hours|a|an
2 in a heartbeat
2 without a scratch|single|doubt|problem
2 everything|all we|i need|needed
2 for free
-2 went|goes|gone|fell silent|quiet|dim|flat|bad|off
-2 took|takes ~ call|calls|attempt|attempts|try|tries|visit|visits|email|emails before|to
-2 charged ~ twice
-2 out of service|action|commission
-2 like cardboard|rubber|sawdust|dishwater|plastic|chemicals|soap|nothing|garbage|toy
-2 roll|rolled his|her|their eye|eyes
-2 sit|sits there
-2 never ~ refunded|refund|replied|reply|answered|answer|responded|respond|arrived|arrive|came|called|received|delivered|credited
-2 not understand|get the hype
-2 think|thought twice
-2 expected|expect ~ more|better
-2 hair|bug|fly|insect|mold|mould|cockroach in|on|inside
-2 price|prices went|go|gone|keep up
-2 shrunk
-2 feel|feels|felt rushed|cramped|dated|old|tired
-2 broken english
-2 hear every word ~ from|next|through
-2 thin|paper thin
-2 out of control
-2 love|like|enjoy how|when ~ forget|forgets|crash|crashes|break|breaks|fail|fails|stop|stops|lose|loses|drop|drops|ignore|ignores|freeze|freezes|die|dies|refuse|refuses
-2 took|takes ~ minute|minutes|mins to
-1.5 nobody|no one offered|came|helped|cared|answered|apologized|apologised|asked|noticed|told
2 save|saved|saves the evening|day|night|meal|trip
2 the best
-3 piece of crap|junk|garbage|trash|rubbish|shit
-3 waste of money|time|space|effort|cash|paper
-3 waste your|my|our|of money|time
-3 not waste your
-3 save your money|time|self
-3 rip|rips|ripped off
-3 not worth
-3 is not worth
-2 hardly|barely worth
-3 stay|steer|keep|run|walk away|clear
-3 stay far away
-3 look|go|shop|eat elsewhere
-3 do not buy|bother|order|purchase|get|recommend|go|stay|eat
-3 would|could|can|do|will|not not|never|longer recommend
-3 can not recommend
-3 never again
-3 never ~ again
-3 will|would not|never ~ again|back
-3 fall|falls|fell|falling|came|come apart
-2 fall|fell short
-2 break|breaks|broke|breaking down|off
-2 stop|stopped|stops|quit|quits|cease|ceased work|working|responding|charging|function|functioning
-2 shut|shuts|turns|turned|switches itself off
-2 shut|shuts down
-2 run|runs|ran out
-2 wear|wears|wore|worn out|off
-2 fail|failed|fails to
-2 leave|leaves|left a|much|lot|something ~ desired
-2 leave|leaves|left much|something|a to|lot be|to desired|be
-2 send|sent|sending|ship|shipped|mailed|take|took|taking|bring|brought|gave|give it|them|this|mine back
-2 return|returned|returning it|them|this|mine
-2 had to return|replace|send|exchange|call|restart|reboot|wait|reset
-2 get|got|want|wanted ~ money back
-2 my|your|our money back
-2 give|gave|gives|giving up
-2 fed up
-2 let|lets ~ down
-2 nothing but trouble|problem|problems
-2 thumb|thumbs down
-2 hit or miss
-2 hit-or-miss
-2 hit and miss
-2 touch and go
-2 a pain
-2 pain in
-2 get|gets|got in the way
-2 hard|tough time
-2 long time to
-2 hard|difficult|tricky|impossible|tough|awkward to
-2 not easy|simple to
-2 take|takes|took forever|ages
-2 take|takes|took ~ while|getting
-1 some|a getting used to
-2 getting used to
-2 too bad
-2 a shame
-2 a joke
-2 a bummer
-2 a letdown
-2 a mess
-2 a must to avoid
-3 biggest|worst mistake
-2 not impressed|happy|satisfied|pleased|good|great
-2 nothing special|fancy
-2 nothing to write home about
-2 could be better|improved|bit|louder|longer|brighter|faster|larger|bigger|smaller|easier|clearer|more|stronger|cleaner|friendlier
-2 room for improvement
-2 only complaint|gripe|problem|drawback|downside|issue|negative|con|flaw|quibble|disappointment|caveat|concern|fault|weakness|shortcoming|limitation
-2 only bad|negative|weak thing|point|side|part|aspect
-2 only thing ~ wrong|missing|dislike|dislike|hate|wish|lacking|bad|annoying|negative
-1 only work|works with|through|on|if|when
-2 call|calls|connection|signal ~ drop|drops|dropped
1 no other
1.5 one of the few
1.5 better than average
1.5 above average
-2 below average
1 no end to
0 used to
-2 only ~ complaint|gripe|problem|drawback|downside|issue|negative|con|flaw|disappointment
-2 one complaint|gripe|problem|drawback|downside|issue|negative|con|flaw|quibble|caveat
-2 would|will be|have nice|been|helpful|great if|nice|better
-2 would ~ nice|better|helpful|useful if|to
-2 would be nice|helpful|better|great
-2 would prefer
-1 would ~ prefer
-1 would have prefer|preferred|like|liked
-2 there are better
-2 better off
-1 better ~ than this
-2 lack|lacks|lacked|lacking of|in
-1 no ~ way to
-2 no way to
-2 for no reason
-2 down the drain
-2 false advertising
-2 dead on arrival
-2 doa
-2 cuts|cut|cutting out|corners|off
-2 drops|dropped|dropping call|calls
-2 out of order|focus|stock
-2 cheap|cheaply plastic|plasticky|made|feel|feeling|looking|look|built|construction|material|materials
-2 feel|feels|felt|look|looks|looked|seem|seems|sound|sounds cheap|flimsy|tinny|outdated|dated
-2 low|poor quality|build|resolution|battery|reception|volume
-2 high price|prices|pitched|cost|costs|maintenance|noise
-2 cost|costs an|a arm|fortune
-2 arm and a leg
-2 overly ~ complicated
-2 at best
-1 at times
-2 buyer beware
-2 be warned
-2 not what i|we|it|was
-2 nothing like
-2 far from
-2 anything but
-2 bad|wrong|poor choice|idea|decision
-2 not the best|greatest|easiest|most|fastest|brightest|sharpest
-2 not my favorite|favourite
-2 not a fan
-2 not as * as
-1 not as * or
-2 not so good|great|much
-2 not up to
-2 not make sense
-2 make|makes no sense
-2 no sense
-2 beyond me
-2 back and forth
-2 turn|turned|turns me|us off
-2 turn|turned out to be a|an
-2 never work|worked|works
-2 not work|function|turn|open|close|fit|charge|connect|recognize|read|start|hold|stay
-2 no idea how|why
-2 no response|reply|answer|help|apology|refund
-2 still waiting
-2 on hold
-2 burn|burned|burnt out
-2 lock|locks|locked|freezes|freeze|froze|frozen up
-2 crap out
-2 mess|messed|screw|screwed up
-2 act|acts|acted|acting up
-2 dies|died|die|dying after|within|on|quickly|fast
-2 drain|drains|drained quickly|fast|the|battery
-2 one star|stars
-2 1 star|stars
-2 2 star|stars
-2 zero star|stars
-2 two star|stars
-2 0 star|stars
-2 bit much
-2 not hold|last
-2 short lived
-2 down side
-2 on the down|negative side
-2 deal breaker
-2 rude|slow|poor service
-2 watch out
-1 be careful
-2 so much for
-2 thin wall|walls
-2 dead pixel|pixels
-2 loose fit|fitting
-2 bad taste
-2 red flag
-2 out of touch|date|luck
-2 sick|tired of
-2 wrong with
-2 kept|keep|keeps|keeping losing|dropping|crashing|freezing|failing|falling|asking|telling|turning|cutting|slipping
-2 waited|waiting|wait ~ minute|minutes|hour|hours|day|days|week|weeks|month|months
-1 more than it|i should|would
1 for the price|money
0 free of charge
0 out of the box
0 right out of the box
0 kind of
0 sort of
0 as well
0 as well as
0 good|great deal of
0 a good|great many
0 at least
0 the most
0 no matter
0 thank you for
0 customer|technical|tech support|service
0 support team|staff|line|desk
0 help desk
0 power button|supply|cord|cable|adapter|brick|bank|switch|source
0 hit the button|key
0 trial and error
0 error message|messages
0 noise level|reduction|cancellation|cancelling
0 stress test
0 crash test
0 mind you
0 to be fair|honest
0 be fair|honest
0 a while
0 happy hour
0 fast food
0 fresh water
0 pretty much
0 like|love to know
0 free time
0 hard drive|disk|copy|case|shell|cover|button|hat|rock|wood|wire|boiled
0 sweet potato|spot|corn|tooth
0 light switch|bulb|source
0 warm up
0 cool down|off
0 well as
0 alarm clock
0 flash light
0 trash can|bag|bin
0 fire alarm
0 good morning|afternoon|evening|night
0 best buy|western
0 positive|negative side|review|reviews|comment|comments
0 bad review|reviews
0 good|great review|reviews
0 fun fact
0 problem solving
0 long term
0 break even
0 waste basket|bin
0 clean up
0 happy to say|report
1 i am happy to
0 sorry to hear|say
0 afraid of the
0 low light
0 red eye
0 white noise
0 wind noise
0 quality control
0 cost of living
0 living cost
`;
