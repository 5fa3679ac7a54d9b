# Writes longcombat-reml.csv and longcombat-msr.csv into this folder: table.csv harmonized by longCombat itself.
# usage: Rscript make_longcombat.R FOLDER    (FOLDER holds R/longCombat.R of github.com/jcbeer/longCombat, commit
#                                             9b3cc36e427c728f83120180647d64a2cc753a12; R 4.2.2, lme4 1.1-31)
source(file.path(commandArgs(trailingOnly = TRUE)[1], "R", "longCombat.R"))
table <- read.csv("table.csv", stringsAsFactors = TRUE)
features <- paste0("f", 1:6)
for (method in c("REML", "MSR")) {
  out <- longCombat("person", "years", "scanner", features, "age + years", "(1|person)", table, method = method, verbose = FALSE)
  values <- out$data_combat[, paste0(features, ".combat")]
  names(values) <- features
  write.csv(apply(values, 2, function(x) sprintf("%.17g", x)), paste0("longcombat-", tolower(method), ".csv"), row.names = FALSE, quote = FALSE)
}
