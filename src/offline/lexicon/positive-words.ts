/**
 * Words that praise, as base forms by strength; inflected and derived forms are found by `word-forms.ts`.
 * Written for this project from general English, over many kinds of text: goods, food, lodging, service, software,
 * books, people. A word whose sign depends on what it describes ("long", "high", "cheap") stands in `context-words.ts`.
 */
export const positiveWords = {
  strong: `
adore amazing astonishing astounding awesome best blissful breathtaking brilliant captivating dazzling delectable delicious delight
delightful divine ecstatic elated enchanting enthrall exceed excel excellent exceptional exhilarating exquisite extraordinary fab fabulous fantastic
faultless flawless first-class first-rate gem glorious gorgeous great heavenly immaculate impeccable incomparable incredible
invaluable irresistible love luscious luxurious magical magnificent marvel marvelous marvellous masterful masterpiece mesmerizing mind-blowing
miracle must-have outperform outshine outstanding overjoyed paradise peerless perfect perfection phenomenal phenom praiseworthy priceless
pristine rave remarkable revolutionary riveting sensational spectacular spellbinding splendid stellar stunning stupendous
sublime superb superlative superior supreme terrific thrill thrilled thrilling top-notch top-of-the-line top-quality treasure
triumph tremendous unbeatable unbelievable unforgettable unmatched unparalleled unrivaled unrivalled unsurpassed wonder wonderful wonderous
wondrous world-class wow yummy kudos superbly godsend lifesaver jewel blown-away five-star
`,
  plain: `
fair fairly-priced
logical logically well-laid effortlessness unstoppable sleekest buttery velvety tasteful zingy comprehensible attentively spot-on pitch-perfect heart-warming page-turner unputdownable laugh-out-loud
thumbs-up long-lasting longlasting
better powerhouse reassured sweet-spot awe photorealistic
able-bodied abundant acclaim accommodating accomplish accurate achievement admirable admire adorable advantage advantageous adventurous affable affection affectionate
affordable agile agreeable airy alluring amazed amaze ample amuse amusing appeal appealing appetizing applaud appreciate appreciative
approachable approve aromatic articulate artistic astute asset attentive attractive authentic award awarded balanced bargain
beautiful beauty believable beneficial benefit benevolent bless blessing bliss bonus boon bravo breeze bright brighten bug-free
calm capable carefree caring celebrate charm charming cheerful cheer cherish chic classy clean cleanly clear clever coherent colorful colourful
comfort comfortable comforting comfy commend commendable compassionate compelling compliment complimentary comprehensive
concise confident congenial congratulate congratulation considerate  convenience convenient cool cordial correct cosy cozy courteous courtesy
craftsmanship creamy creative credible crisp crispy crystal-clear cushy cute daring dashing debonair decadent decisive dedicated deft
deluxe dependable deserving desirable detailed diligent durable durability dynamic eager earnest ease easy easygoing easy-to-use economical edifying
effective efficient effortless elegance elegant eloquent empathetic enchant encourage encouraging endearing energetic energize engaging engrossing enhance
enjoy enjoyable enjoyment enlightening enliven enrich entertain entertaining enthusiastic enthusiasm enthusiast enticing ergonomic error-free essential esteem ethical evocative
excite excited excitement exciting exemplary expertly eye-catching fair-minded famous fascinate fascinating fast favor
favorable favorite favour favourite fearless feature-packed feature-rich feasible fine-tuned fit-for-purpose flavorful flavourful flattering flavorsome flexible
fluent fluid foolproof fond fortunate forward-thinking fragrant fresh friendly fruitful fun funny futuristic generous genial genius gentle genuine
gifted glad glamorous glee glossy glow good goodness gourmet grace graceful gracious grand grateful gratify gratifying greatness grin groundbreaking
handsome handy happy happiness hardworking hard-working hassle-free healthful healthy heartfelt heartwarming helpful hero hilarious homey honest honor
honour hospitable hospitality humble humorous humor ideal idyllic illuminate imaginative impartial impress impressed impressive improve improvement
indulgent industrious ingenious informative innovation innovative insightful inspire inspiring instructive instrumental integrity intelligent interesting intriguing
intuitive inventive invigorating inviting jaw-dropping jolly joy joyful juicy keeper kind kindness kind-hearted knowledgeable lag-free laud lavish leak-proof legendary legible
leisurely lifelike lightning-fast likable likeable lively lovable lovely loyal loyalty lucid lucky lush luxury lustrous majestic masterly mature meaningful
memorable mesmerize meticulous modern mouthwatering mouth-watering natural neat nice nicest nifty nimble nourishing nutritious obliging optimal optimistic opulent
organized orderly original painless pamper palatable passionate patient peaceful perky personable picturesque plausible playful pleasant please pleased
pleasing pleasurable pleasure plenty plush polished polite popular portable posh positive powerful practical praise precise precious premium prestigious
principled privilege prize pro productive professional professionalism proficient prompt promptly proper proud proven prosperous punctual quaint quick quiet radiant
rapid rapture realistic reasonable reassure reassuring recommend recommendation recommendable refine refined refresh refreshing rejoice relax relaxed relaxing reliable reliability
relief relish resilient resourceful respect respectful responsive restful restored revere reward rewarding rich robust romantic roomy rugged safe
satisfaction satisfactory satisfy satisfied satisfying savor savory savvy scenic scrumptious seamless secure sensible serene sharp shine shiny silky sincere
skilled skillful skilful slick sleek smart smile smiling smooth snappy snazzy snug solid soothe soothing sophisticated soulful spacious sparkling speedy spiffy
spotless sprightly stable steadfast steady stimulating straightforward streamlined striking strong sturdy stylish suave succeed success successful succulent suitable sumptuous
sunny super superfast surpass sweet swift sympathetic tailored talented tasteful tasty tempting tender thank thankful thanks therapeutic thorough
thoughtful thrifty thrive tidy time-saver timely timeless tip-top tolerant touching tranquil transparent treat trendy triumphant trouble-free trustworthy trusty truthful
unbiased undamaged uncluttered unobtrusive unpretentious unlimited upbeat upscale user-friendly useful valuable versatile vibrant victory vivid virtuous warm warmhearted
warmth waterproof wealth welcome welcoming well-balanced well-behaved well-built well-crafted well-designed well-done well-equipped well-informed
well-kept well-lit well-located well-made well-maintained well-organized well-made well-priced well-run well-seasoned well-stocked well-thought-out well-trained well-written win winner winning
wisely wise wholesome witty workmanship worthwhile worthy wide-ranging wow-factor yay youthful zest zippy zen
advance advanced envy enviable effortlessly intact glitch-free rust-free stain-resistant scratch-resistant shatterproof rechargeable
clarity crispness sharpness smoothness sturdiness ease-of-use readable audible noise-cancelling plug-and-play hands-down legit dope
`,
  weak: `
instantly instant immediate immediately bearable hooked
acceptable adequate accessible adjustable adaptable automatic alright available bearable classic compatible complete compact contemporary decent distinctive
enough expandable familiar fine functional harmless lightweight light-weight
ok okay organic passable presentable prefer readily respectable simple slim soft sufficient tolerable user-replaceable usable
unique unobjectionable valid viable well work worth fulfil fulfill gain help trust upgrade hit plus perk happily gladly luckily fortunately thankfully
multifunctional all-in-one customizable customisable programmable washable reusable foldable interchangeable
`,
} as const;
