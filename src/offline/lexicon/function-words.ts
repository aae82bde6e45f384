/** English words that carry grammar, not content. */
export const functionWords: ReadonlySet<string> = new Set(
  `a about above across after again against ago ah all almost alone along already also although always am among an and another any anybody anyone anything anyway anywhere are around as aside at away
  back be became because become becomes been before behind being below beside besides between beyond both but by came can cannot ca come comes could dare did do does doing done down during each either else
  even ever every everybody everyone everything everywhere except few for forth from further gave get gets getting give given gives go goes going gone gonna got had has have having he hence her here hers herself him himself
  his how however i if in indeed instead into is it its itself just keep kept last least less let lets like made make makes making many may maybe me might mine more most mostly much must my myself near need neither never
  nevertheless next no nobody none nor not nothing now nowhere of off often oh on once one ones only onto or other others otherwise ought our ours ourselves out over own per perhaps put puts quite rather really
  said same say says see seem seemed seems several shall she should simply since so some somebody somehow someone something sometimes somewhat somewhere still such take takes taken than that the their theirs them themselves
  then there thereby therefore these they thing things this those though through throughout thus till to together too took toward towards under until unless up upon us use used very via wo was way we well went were what whatever when
  whenever where whereas wherever whether which while who whoever whole whom whose why will with within without would yes yet you your yours yourself yourselves 's 're 've 'd 'll 'm n't ' ve re ll`.split(
    /\s+/,
  ),
);

/** Frequent words of other European languages that English does not share. */
export const foreignWords: ReadonlySet<string> = new Set(
  `der die das und ist nicht ein eine mit auf für von sich den dem des sehr auch aber wie oder wir ich sie es war sind haben
  le la les une est et dans pour que qui pas sur avec très plus nous vous mais sont cette ce il elle je ne
  el los las una es y en por con para muy pero más como su lo se este esta del al
  il gli che di è per non sono molto anche della nel questo ho
  o os um uma não com muito mas foi na em
  de het een niet van zijn voor maar ook met ik erg dat
  och att det som är inte jag på på til af men ikke er på og jest nie się w na z i do`.split(/\s+/),
);
