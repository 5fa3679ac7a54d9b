# Writes r*.csv: what the authors' R code makes of table.csv, into the current folder (this one).
#
# usage: Rscript make_covbat.R FOLDER    (FOLDER holds R/R/*.R of github.com/andy1764/CovBat_Harmonization, commit
#                                         1ca2942b4e3830dff6f027f276fdab305a0d10e6; R 4.2.2, matrixStats from Debian)
library(matrixStats)
folder <- commandArgs(trailingOnly = TRUE)[1]
for (file in c("utils.R", "combat.R", "covbat.R")) source(file.path(folder, "R", "R", file))
table <- read.csv("table.csv")
features <- grep("^f[0-9]+$", names(table), value = TRUE)
mod <- as.matrix(table[, c("age", "male")])
harmonize <- function(name, ...) {
  out <- covbat(t(as.matrix(table[, features])), table$site, mod, ...)
  cat(name, out$npc, "components\n")
  values <- t(out$dat.covbat)
  colnames(values) <- features
  write.csv(apply(values, 2, function(x) sprintf("%.17g", x)), paste0(name, ".csv"), row.names = FALSE, quote = FALSE)
}
harmonize("r")
harmonize("r-half", percent.var = 0.5)
harmonize("r-five", n.pc = 5)
cat(R.version.string, "matrixStats", as.character(packageVersion("matrixStats")), "\n")
